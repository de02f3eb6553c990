import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { SCHEME_NAMES, type SchemeName } from '../schemes/index.js';

export const DEFAULT_TOLERANCE_SECONDS = 300;

export class ConnectWebhookDto {
  @ApiProperty({ enum: SCHEME_NAMES, required: false, description: 'How the provider signs; `generic` unless said: `X-Webhook-Signature`, with Standard Webhooks headers accepted beside it.' })
  @IsOptional() @IsIn(SCHEME_NAMES)
  scheme?: SchemeName;

  /** The secret to verify with, when the provider chose it: 8 to 256 visible ASCII characters. Without it one is generated. */
  @IsOptional() @Matches(/^[\x21-\x7e]{8,256}$/)
  secret?: string;

  @ApiProperty({ type: Number, nullable: true, required: false, minimum: 1, maximum: 86_400, description: `Seconds that a timestamp may lie from now, either way; ${DEFAULT_TOLERANCE_SECONDS} unless said, null accepts any.` })
  @IsOptional() @IsInt() @Min(1) @Max(86_400)
  tolerance_seconds?: number | null;
}

export class WebhookConnectionDto {
  @ApiProperty({ example: 'whc_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  @ApiProperty({ enum: ['connected'], example: 'connected' })
  status: 'connected';

  @ApiProperty({ enum: SCHEME_NAMES, example: 'generic' })
  scheme: SchemeName;

  /** Where the provider posts its events. */
  url: string;

  /** A generated secret, shown this once: `whsec_` and 32 bytes in base64. */
  secret?: string;

  /** How far a timestamp may lie from now; null accepts any. */
  tolerance_seconds: number | null;

  /** Until when the last secret before this one is accepted too; null when none is. */
  previous_secret_valid_until: string | null;

  /** Posts refused for their signature or timestamp. */
  failed_verifications: number;
}

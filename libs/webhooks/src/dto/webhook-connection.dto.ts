import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Matches, Max, MaxLength, Min } from 'class-validator';
import { SCHEME_NAMES, type SchemeName } from '../schemes/index.js';

export const DEFAULT_TOLERANCE_SECONDS = 300;

export const CONNECTION_STATUSES = ['pending', 'connected', 'error'] as const;
export type ConnectionStatus = (typeof CONNECTION_STATUSES)[number];

export class RotateWebhookDto {
  /** The secret to verify with, where the provider or the caller chose it: 8 to 256 visible ASCII characters. */
  @IsOptional() @Matches(/^[\x21-\x7e]{8,256}$/)
  secret?: string;

  /** The provider’s public key, where its scheme has one: of the curve P-256, base64 of its DER (as SendGrid shows it) or PEM. */
  @IsOptional() @MaxLength(1000)
  public_key?: string;
}

export class ConnectWebhookDto extends RotateWebhookDto {
  @ApiProperty({
    enum: SCHEME_NAMES,
    required: false,
    description: 'How the provider signs. `generic` unless said: `X-Webhook-Signature`, with Standard Webhooks headers accepted beside it. The others are the providers’ own: see docs/webhooks.md.',
  })
  @IsOptional() @IsIn(SCHEME_NAMES)
  scheme?: SchemeName;

  @ApiProperty({ type: Number, nullable: true, required: false, minimum: 1, maximum: 86_400, description: `Seconds that a timestamp may lie from now, either way; ${DEFAULT_TOLERANCE_SECONDS} unless said, null accepts any. Only where the scheme signs a timestamp.` })
  @IsOptional() @IsInt() @Min(1) @Max(86_400)
  tolerance_seconds?: number | null;

  /** Of `hubspot`: an access token that may read contacts, since events tell only their ids. Kept sealed and never shown; without one such events are `unmatched`. */
  @IsOptional() @Matches(/^[\x21-\x7e]{8,512}$/)
  api_token?: string;
}

export class WebhookConnectionDto {
  @ApiProperty({ example: 'whc_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  /** `pending`: nothing has come yet. `connected`: the last post was verified, or one of the last five. `error`: none of the last five or more was; see `reason`. */
  @ApiProperty({ enum: CONNECTION_STATUSES, example: 'connected' })
  status: ConnectionStatus;

  /** Of an `error`: why the last post was refused. */
  @ApiProperty({ type: String, nullable: true, example: null })
  reason: string | null;

  /** When the provider last posted something, or looked, and it was verified. */
  last_verified: string | null;

  @ApiProperty({ enum: SCHEME_NAMES, example: 'generic' })
  scheme: SchemeName;

  /** Where the provider posts its events: to be pasted there as it is. Of a provider that signs nothing it has the secret. */
  url: string;

  /** A generated secret, shown this once: `whsec_` and 32 bytes in base64. */
  secret?: string;

  /** How far a timestamp may lie from now; null accepts any, or the scheme signs none. */
  tolerance_seconds: number | null;

  /** Until when the last secret or key before this one is accepted too; null when none is. */
  previous_secret_valid_until: string | null;

  /** Posts refused for their signature or timestamp. */
  failed_verifications: number;

  /** Whether contacts are asked for under a token. */
  has_api_token: boolean;
}

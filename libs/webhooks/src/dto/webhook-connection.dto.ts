import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Matches, Max, MaxLength, Min } from 'class-validator';
import { SCHEME_NAMES, type SchemeName } from '../schemes/index.js';

export const DEFAULT_TOLERANCE_SECONDS = 300;

export const CONNECTION_STATUSES = ['pending', 'connected', 'error'] as const;
export type ConnectionStatus = (typeof CONNECTION_STATUSES)[number];

export class RotateWebhookDto {
  /** The secret to verify with, if the provider or the caller chooses it: 8 to 256 visible ASCII characters. */
  @IsOptional() @Matches(/^[\x21-\x7e]{8,256}$/)
  secret?: string;

  /** The provider’s public key, where its scheme has one: a P-256 key, as base64 of its DER (as SendGrid shows it) or PEM. */
  @IsOptional() @MaxLength(1000)
  public_key?: string;
}

export class ConnectWebhookDto extends RotateWebhookDto {
  @ApiProperty({
    enum: SCHEME_NAMES,
    required: false,
    description: 'How the provider signs. Defaults to `generic`: `X-Webhook-Signature`, or the Standard Webhooks headers. The others are the providers’ own schemes: see docs/webhooks.md.',
  })
  @IsOptional() @IsIn(SCHEME_NAMES)
  scheme?: SchemeName;

  @ApiProperty({ type: Number, nullable: true, required: false, minimum: 1, maximum: 86_400, description: `How many seconds a timestamp may lie before or after now. Defaults to ${DEFAULT_TOLERANCE_SECONDS}; null accepts any. Only where the scheme signs a timestamp.` })
  @IsOptional() @IsInt() @Min(1) @Max(86_400)
  tolerance_seconds?: number | null;

  /** For `hubspot`: an access token that may read contacts, since events contain only their ids. Stored encrypted and never shown; without one such events are `unmatched`. */
  @IsOptional() @Matches(/^[\x21-\x7e]{8,512}$/)
  api_token?: string;
}

export class WebhookConnectionDto {
  @ApiProperty({ example: 'whc_01kzv3q6x0w9m2h7c4t8r5e1nd' })
  id: string;

  /** `pending`: nothing has been verified yet. `connected`: at least one of the last five posts was verified. `error`: the last five posts or more were all refused; see `reason`. */
  @ApiProperty({ enum: CONNECTION_STATUSES, example: 'connected' })
  status: ConnectionStatus;

  /** For `error`: why the last post was refused. */
  @ApiProperty({ type: String, nullable: true, example: null })
  reason: string | null;

  /** When a post, or a check of the URL by the provider, was last verified. */
  last_verified: string | null;

  @ApiProperty({ enum: SCHEME_NAMES, example: 'generic' })
  scheme: SchemeName;

  /** Where the provider posts its events; paste it there unchanged. For a provider that signs nothing, it contains the secret. */
  url: string;

  /** A generated secret, shown only once: `whsec_` and 32 bytes in base64. */
  secret?: string;

  /** How many seconds a timestamp may lie before or after now; null if any is accepted or the scheme signs none. */
  tolerance_seconds: number | null;

  /** Until when the previous secret or key is still accepted; null if none is. */
  previous_secret_valid_until: string | null;

  /** Posts refused for their signature or timestamp. */
  failed_verifications: number;

  /** Whether there is a token to read contacts with. */
  has_api_token: boolean;
}

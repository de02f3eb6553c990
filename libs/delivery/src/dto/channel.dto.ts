import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsHttpUrl } from '#http';
import { CHANNELS, type Channel } from '#tenants';
import { PROVIDER_IDS, type ProviderId } from '../channels/providers.js';

const STATUSES = ['connected', 'deployment', 'disconnected'] as const;

/** A provider that messages can be sent over. */
export class ChannelDto {
  @ApiProperty({ enum: PROVIDER_IDS })
  provider: ProviderId;

  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  /** `connected`: with credentials of your own. `deployment`: with the operator’s. */
  @ApiProperty({ enum: STATUSES })
  status: (typeof STATUSES)[number];

  /** Of several providers for one channel, the one connected last is used; if there is none, the operator’s. `webpush` and `fcm` are used side by side. */
  in_use: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  connected_at: string | null;

  /** Most messages sent within any one second; null if there is no limit. Always null for the operator’s provider. */
  max_per_second: number | null;
}

export class ChannelListDto {
  channels: ChannelDto[];
}

/** What may be set for every provider. */
class ConnectChannelDto {
  /** Most messages to send within any one second, over all workers; no limit by default. */
  @IsOptional() @IsInt() @Min(1) @Max(100_000)
  max_per_second?: number | null;
}

export class ConnectTwilioDto extends ConnectChannelDto {
  @IsString() @Matches(/^AC[0-9a-fA-F]{32}$/, { message: 'account_sid must be an account of Twilio: AC and 32 hexadecimal digits' })
  account_sid: string;

  /** The SID of the account, or of a subaccount. */
  @IsString() @Matches(/^[\x21-\x7e]{10,500}$/, { message: 'auth_token must be an auth token of Twilio' })
  auth_token: string;
}

export class ConnectSendGridDto extends ConnectChannelDto {
  /** An API key with the scope `mail.send`. */
  @IsString() @Matches(/^[\x21-\x7e]{10,500}$/, { message: 'api_key must be an API key of SendGrid' })
  api_key: string;
}

const SECURITY = ['tls', 'starttls', 'none'] as const;

export class ConnectSmtpDto extends ConnectChannelDto {
  /** A host on the public internet, unless the operator allows others. */
  @IsString() @Matches(/^[A-Za-z0-9.:-]{1,253}$/, { message: 'host must be a host name or an IP address' })
  @ApiProperty({ example: 'smtp.example.com', maxLength: 253 })
  host: string;

  @IsInt() @Min(1) @Max(65_535)
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 65_535, example: 587 })
  port: number;

  /** TLS from the first byte (as on port 465), STARTTLS (as on 587), or none, for a relay in your own network. */
  @IsIn(SECURITY)
  @ApiProperty({ enum: SECURITY })
  security: (typeof SECURITY)[number];

  @IsOptional() @IsString() @Length(1, 500)
  username?: string;

  @IsOptional() @IsString() @Length(1, 500)
  password?: string;
}

const PUSH_KEY = { message: '$property must be a P-256 key in base64url, as VAPID has it' };

export class ConnectWebPushDto extends ConnectChannelDto {
  /** The key that browsers subscribed with as `applicationServerKey`: the 65 bytes of an uncompressed P-256 point, in base64url. */
  @IsString() @Matches(/^B[A-Za-z0-9_-]{86}$/, PUSH_KEY)
  @ApiProperty({ example: 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8' })
  public_key: string;

  /** The private key that belongs to it: 32 bytes, in base64url. */
  @IsString() @Matches(/^[A-Za-z0-9_-]{43}$/, PUSH_KEY)
  @ApiProperty({ example: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw' })
  private_key: string;

  /** Where a push service can reach you: a `mailto:` or an `https:` URL. */
  @IsString() @MaxLength(500) @Matches(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, { message: 'subject must be a mailto: or an https: URL' })
  @ApiProperty({ maxLength: 500, example: 'mailto:hello@trattoria.example' })
  subject: string;
}

/** A service account that may send over Firebase Cloud Messaging. Other members of its key file are accepted and not stored. */
export class ConnectFcmDto extends ConnectChannelDto {
  @IsString() @MaxLength(300) @Matches(/^[^\s@]+@[^\s@]+$/, { message: 'client_email must be the email of a service account' })
  client_email: string;

  /** An RSA key, in PEM. */
  @IsString() @MaxLength(10_000)
  private_key: string;

  @IsString() @Matches(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, { message: 'project_id must be the id of a Firebase project' })
  @ApiProperty({ pattern: '^[a-z][a-z0-9-]{4,28}[a-z0-9]$', example: 'trattoria-app' })
  project_id: string;

  @IsOptional() @IsString() @MaxLength(2000)
  type?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  private_key_id?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  client_id?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  auth_uri?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  token_uri?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  auth_provider_x509_cert_url?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  client_x509_cert_url?: string;

  @IsOptional() @IsString() @MaxLength(2000)
  universe_domain?: string;
}

export class ConnectHttpDto extends ConnectChannelDto {
  /** Where every message is posted: on the public internet, unless the operator allows other hosts. Redirects are not followed. */
  @IsHttpUrl() @MaxLength(2000)
  @ApiProperty({ format: 'uri', maxLength: 2000, example: 'https://messages.example.com/send' })
  url: string;

  /** The signing secret: `whsec_` and 24 to 64 bytes in base64. Generated if you give none. */
  @IsOptional() @IsString() @Matches(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, { message: 'secret must be whsec_ and 24 to 64 bytes in base64' })
  secret?: string;
}

export class ConnectedHttpDto extends ChannelDto {
  /** The secret that messages are signed with; shown only this once. */
  @ApiProperty({ example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD28eQ8t5VqLk=' })
  secret: string;
}

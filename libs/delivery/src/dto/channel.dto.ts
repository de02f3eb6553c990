import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { CHANNELS, type Channel } from '#tenants';
import { PROVIDER_IDS, type ProviderId } from '../channels/providers.js';

const STATUSES = ['connected', 'deployment', 'disconnected'] as const;

/** A provider that messages can be sent over. */
export class ChannelDto {
  @ApiProperty({ enum: PROVIDER_IDS })
  provider: ProviderId;

  @ApiProperty({ enum: CHANNELS })
  channel: Channel;

  /** `connected`: by credentials of your own. `deployment`: the operator’s. */
  @ApiProperty({ enum: STATUSES })
  status: (typeof STATUSES)[number];

  /** Of several providers of a channel, the one whose credentials came last is used; without any, the operator’s. */
  in_use: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  connected_at: string | null;

  /** Messages that leave within any one second, at most; null: as many as there are. Of the operator’s provider null. */
  max_per_second: number | null;
}

export class ChannelListDto {
  channels: ChannelDto[];
}

/** What every provider may be given. */
class ConnectChannelDto {
  /** Messages that leave within any one second, at most, over all workers; as many as there are unless said. */
  @IsOptional() @IsInt() @Min(1) @Max(100_000)
  max_per_second?: number | null;
}

export class ConnectTwilioDto extends ConnectChannelDto {
  @IsString() @Matches(/^AC[0-9a-fA-F]{32}$/, { message: 'account_sid must be an account of Twilio: AC and 32 hexadecimal digits' })
  account_sid: string;

  /** The account's, or that of a subaccount. */
  @IsString() @Matches(/^[\x21-\x7e]{10,500}$/, { message: 'auth_token must be an auth token of Twilio' })
  auth_token: string;
}

export class ConnectSendGridDto extends ConnectChannelDto {
  /** An API key with the scope `mail.send`. */
  @IsString() @Matches(/^[\x21-\x7e]{10,500}$/, { message: 'api_key must be an API key of SendGrid' })
  api_key: string;
}

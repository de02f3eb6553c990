import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { ChannelCredentials } from './channel-credentials.js';
import { PROVIDER_IDS } from './channels/providers.js';
import { DeliveryError } from './delivery.errors.js';
import { ChannelDto, ChannelListDto, ConnectSendGridDto, ConnectTwilioDto } from './dto/channel.dto.js';

const SENDGRID: ChannelDto = { provider: 'sendgrid', channel: 'email', status: 'connected', in_use: true, connected_at: '2026-01-24T18:30:00.000Z', max_per_second: null };
const SMTP: ChannelDto = { provider: 'smtp', channel: 'email', status: 'deployment', in_use: false, connected_at: null, max_per_second: null };

const TWILIO: ChannelDto = { ...SENDGRID, provider: 'twilio', channel: 'sms', max_per_second: 10 };

@ApiTags('Channels')
@Controller('channels')
export class ChannelsController {
  constructor(private readonly credentials: ChannelCredentials) {}

  @Get()
  @Route({
    allow: 'channels:read',
    summary: 'List channel providers',
    description: 'Every provider that messages can be sent over, always in the same order, and which of them yours are sent over. Credentials are never shown.',
    returns: ChannelListDto,
    example: { channels: [SENDGRID, SMTP, TWILIO] },
  })
  listChannels(@CurrentTenant() tenant: Tenant) {
    return this.credentials.list(tenant);
  }

  @Put('sendgrid')
  @Route({
    allow: 'channels:manage',
    summary: 'Send email over your SendGrid account',
    description: 'Stores the key, encrypted, in place of any before it. From now on your email goes through this account, that of campaigns under way too.',
    returns: ChannelDto,
    example: SENDGRID,
    bodies: { key: { api_key: 'SG.an-api-key-with-the-scope.mail-send' } },
  })
  connectSendGrid(@Caller() caller: Principal, @Body() { max_per_second, ...account }: ConnectSendGridDto) {
    return this.credentials.connect(caller, 'sendgrid', account, max_per_second);
  }

  @Put('twilio')
  @Route({
    allow: 'channels:manage',
    summary: 'Send SMS over your Twilio account',
    description: 'Stores the token, encrypted, in place of any before it. Who the messages come from is `sender.sms_from` of the settings.',
    returns: ChannelDto,
    example: TWILIO,
    bodies: { account: { account_sid: 'AC0123456789abcdef0123456789abcdef', auth_token: 'the-auth-token-of-this-account', max_per_second: 10 } },
  })
  connectTwilio(@Caller() caller: Principal, @Body() { max_per_second, ...account }: ConnectTwilioDto) {
    return this.credentials.connect(caller, 'twilio', account, max_per_second);
  }

  @Delete(':provider')
  @ApiParam({ name: 'provider', enum: PROVIDER_IDS })
  @Route({
    allow: 'channels:manage',
    status: 204,
    summary: 'Disconnect a channel provider',
    description: 'Deletes the credentials. The channel falls back to the credentials before, or the operator’s provider; without either, campaigns under way are paused and say so.',
    errors: [DeliveryError.only('channel_not_found')],
  })
  disconnectChannel(@Caller() caller: Principal, @Param('provider') provider: string) {
    return this.credentials.disconnect(caller, provider);
  }
}

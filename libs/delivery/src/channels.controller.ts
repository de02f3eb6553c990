import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { Route, type RouteSpec } from '#http';
import type { Tenant } from '#kernel';
import { ChannelCredentials } from './channel-credentials.js';
import { FCM_ACCOUNT } from './channels.examples.js';
import { PROVIDER_IDS, type ProviderId } from './channels/providers.js';
import { DeliveryError } from './delivery.errors.js';
import { ChannelDto, ChannelListDto, ConnectedHttpDto, ConnectFcmDto, ConnectHttpDto, ConnectSendGridDto, ConnectSmtpDto, ConnectTwilioDto, ConnectWebPushDto } from './dto/channel.dto.js';

const SENDGRID: ChannelDto = { provider: 'sendgrid', channel: 'email', status: 'connected', in_use: true, connected_at: '2026-01-24T18:30:00.000Z', max_per_second: null };
const SMTP: ChannelDto = { provider: 'smtp', channel: 'email', status: 'deployment', in_use: false, connected_at: null, max_per_second: null };

const TWILIO: ChannelDto = { ...SENDGRID, provider: 'twilio', channel: 'sms', max_per_second: 10 };

const HTTP: ChannelDto = { ...SENDGRID, provider: 'http_push', channel: 'push' };
const OFF = { status: 'disconnected', in_use: false, connected_at: null } as const;

const connectHttp = (channel: string, provider: ProviderId): RouteSpec => ({
  allow: 'channels:manage',
  summary: `Send ${channel === 'sms' ? 'SMS' : channel} over a service of your own`,
  description: `Each message is posted as JSON, signed as a Standard Webhook: verify \`webhook-signature\` with the secret. \`webhook-id\` and \`Idempotency-Key\` are the delivery’s id. Process each id once, since a message is sent again if your answer was lost; if the \`url\` has changed meanwhile, it is not sent again but left \`unknown\`. Answer 2xx if you took the message, 4xx if you refuse it, 429 or 503 with \`Retry-After\` to get it later. Report what becomes of it over a webhook connection.`,
  returns: ConnectedHttpDto,
  example: { ...HTTP, provider, channel, secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD28eQ8t5VqLk=' },
  bodies: { service: { url: 'https://messages.example.com/send' } },
});

@ApiTags('Channels')
@Controller('channels')
export class ChannelsController {
  constructor(private readonly credentials: ChannelCredentials) {}

  @Get()
  @Route({
    allow: 'channels:read',
    summary: 'List channel providers',
    description: 'All providers that messages can be sent over, always in the same order, and which of them your messages use. Credentials are never shown.',
    returns: ChannelListDto,
    example: { channels: [SENDGRID, SMTP, TWILIO, { ...HTTP, ...OFF, provider: 'webpush' }, { ...HTTP, ...OFF, provider: 'fcm' }, { ...HTTP, ...OFF, provider: 'http_email', channel: 'email' }, { ...HTTP, ...OFF, provider: 'http_sms', channel: 'sms' }, HTTP] },
  })
  listChannels(@CurrentTenant() tenant: Tenant) {
    return this.credentials.list(tenant);
  }

  @Put('sendgrid')
  @Route({
    allow: 'channels:manage',
    summary: 'Send email over your SendGrid account',
    description: 'Stores the key, encrypted, in place of an earlier one. From now on your email goes through this account, also that of running campaigns.',
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
    description: 'Stores the token, encrypted, in place of an earlier one. The sender of the messages is `sender.sms_from` in the settings.',
    returns: ChannelDto,
    example: TWILIO,
    bodies: { account: { account_sid: 'AC0123456789abcdef0123456789abcdef', auth_token: 'the-auth-token-of-this-account', max_per_second: 10 } },
  })
  connectTwilio(@Caller() caller: Principal, @Body() { max_per_second, ...account }: ConnectTwilioDto) {
    return this.credentials.connect(caller, 'twilio', account, max_per_second);
  }

  @Put('smtp')
  @Route({
    allow: 'channels:manage',
    summary: 'Send email over your own mail server',
    description: 'Stores the login, encrypted, in place of an earlier one.',
    returns: ChannelDto,
    example: { ...SENDGRID, provider: 'smtp' },
    bodies: { server: { host: 'smtp.example.com', port: 587, security: 'starttls', username: 'marketing', password: 'the-password-of-this-login' } },
  })
  connectSmtp(@Caller() caller: Principal, @Body() { max_per_second, port, ...server }: ConnectSmtpDto) {
    return this.credentials.connect(caller, 'smtp', { ...server, port: String(port) }, max_per_second);
  }

  @Put('webpush')
  @Route({
    allow: 'channels:manage',
    summary: 'Send push messages to browsers',
    description: 'Stores the VAPID keys, encrypted, in place of earlier ones. A browser accepts messages only from the key that it subscribed with. Your service worker receives `{title, body, url, delivery_id}`.',
    returns: ChannelDto,
    example: { ...HTTP, provider: 'webpush' },
    bodies: { keys: { public_key: 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8', private_key: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw', subject: 'mailto:hello@trattoria.example' } },
  })
  connectWebPush(@Caller() caller: Principal, @Body() body: ConnectWebPushDto) {
    return this.credentials.connectWebPush(caller, body);
  }

  @Put('fcm')
  @Route({
    allow: 'channels:manage',
    summary: 'Send push messages to apps over your Firebase project',
    description: 'Stores the service account, encrypted, in place of an earlier one; you can send the key file from Firebase as it is. It reaches customers whose `push_subscription` has an `fcm_token`; browsers that subscribed with VAPID keys are still reached over `webpush`. Your app receives `{delivery_id, url}` as data.',
    returns: ChannelDto,
    example: { ...HTTP, provider: 'fcm' },
    bodies: { account: FCM_ACCOUNT },
  })
  connectFcm(@Caller() caller: Principal, @Body() body: ConnectFcmDto) {
    return this.credentials.connectFcm(caller, body);
  }

  @Put('http_email')
  @Route(connectHttp('email', 'http_email'))
  connectHttpEmail(@Caller() caller: Principal, @Body() body: ConnectHttpDto) {
    return this.credentials.connectHttp(caller, 'http_email', body);
  }

  @Put('http_sms')
  @Route(connectHttp('sms', 'http_sms'))
  connectHttpSms(@Caller() caller: Principal, @Body() body: ConnectHttpDto) {
    return this.credentials.connectHttp(caller, 'http_sms', body);
  }

  @Put('http_push')
  @Route(connectHttp('push', 'http_push'))
  connectHttpPush(@Caller() caller: Principal, @Body() body: ConnectHttpDto) {
    return this.credentials.connectHttp(caller, 'http_push', body);
  }

  @Delete(':provider')
  @ApiParam({ name: 'provider', enum: PROVIDER_IDS })
  @Route({
    allow: 'channels:manage',
    status: 204,
    summary: 'Disconnect a channel provider',
    description: 'Deletes the credentials. The channel falls back to the provider connected before it, or to the operator’s. If there is neither, running campaigns are paused, with the reason in their `warnings`.',
    errors: [DeliveryError.only('channel_not_found')],
  })
  disconnectChannel(@Caller() caller: Principal, @Param('provider') provider: string) {
    return this.credentials.disconnect(caller, provider);
  }
}

import { Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiQuery, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MEBIBYTE, Route } from '#http';
import { COMMON_ERRORS } from '#kernel';
import { WebhookEnvelopeDto, WebhookReceiptDto } from './dto/envelope.dto.js';
import { ENVELOPE, ENVELOPE_LIST } from './examples.js';
import { FORM_BODIES, FORM_SCHEMA, JSON_BODIES, JSON_SCHEMAS } from './provider-bodies.js';
import { type IncomingPost, IntakeService } from './intake.service.js';
import { ProviderPipe } from './provider.pipe.js';
import { PROVIDER_IDS, type ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

const optional = (name: string, description: string) => ApiHeader({ name, required: false, description });
const Connection = () => ApiQuery({ name: 'connection', required: false, type: String, description: 'Key of the connection, as in its `url`. Without it, the deployment’s own secret verifies the post.' });
const envelope = { $ref: getSchemaPath(WebhookEnvelopeDto) };

@ApiTags('Webhooks')
@Controller('webhooks')
export class IntakeController {
  constructor(private readonly intake: IntakeService) {}

  @Post(':provider')
  @ApiParam({ name: 'provider', enum: PROVIDER_IDS })
  @Connection()
  @optional('X-Webhook-Signature', 'HMAC-SHA256 over `<X-Webhook-Timestamp>.<raw body>`: `sha256=<hex>`, bare hex, base64, `v1=…`, `t=…,v1=…`, or several in a list.')
  @optional('X-Webhook-Timestamp', 'When it was signed: Unix seconds, Unix milliseconds or RFC 3339; signed verbatim.')
  @optional('webhook-id', 'Standard Webhooks, instead of the two above.')
  @optional('webhook-timestamp', 'Standard Webhooks.')
  @optional('webhook-signature', 'Standard Webhooks.')
  @optional('X-Twilio-Email-Event-Webhook-Signature', 'SendGrid’s own scheme: ECDSA with P-256 over the timestamp and the raw body, base64.')
  @optional('X-Twilio-Email-Event-Webhook-Timestamp', 'SendGrid’s own scheme.')
  @optional('X-Twilio-Signature', 'Twilio’s own scheme: HMAC-SHA1 over the URL and the form’s fields, base64.')
  @optional('X-Mandrill-Signature', 'Mandrill’s own scheme: HMAC-SHA1 over the URL and the form’s fields, base64.')
  @optional('X-HubSpot-Signature-v3', 'HubSpot’s own scheme: HMAC-SHA256 over method, URL, body and timestamp, base64.')
  @optional('X-HubSpot-Request-Timestamp', 'HubSpot’s own scheme: Unix milliseconds.')
  @optional('X-HubSpot-Signature', 'HubSpot’s older schemes, used only without a v3 signature: SHA-256 in hex.')
  @optional('X-HubSpot-Signature-Version', 'HubSpot’s older schemes: `v1` or `v2`.')
  @ApiExtraModels(WebhookEnvelopeDto)
  @ApiBody({ required: true, schema: { anyOf: [envelope, { type: 'array', items: envelope, minItems: 1, maxItems: 10_000 }, ...JSON_SCHEMAS] } })
  @Route({
    allow: 'public',
    status: 202,
    summary: 'Receive a webhook',
    description:
      'For the providers. A post is verified over its raw bytes, stored with its events in one transaction, and then answered; processing follows. ' +
      'With a provider’s own scheme, the body is whatever the provider documents. ' +
      'An event received before counts as a duplicate and is not processed again. A bad event in a list is kept as failed; the others are processed.',
    returns: WebhookReceiptDto,
    example: { received: 1, accepted: 1, duplicates: 0 },
    also: { status: 200, description: 'The same for providers that expect 200; TwiML for Twilio.' },
    bodies: { opened: ENVELOPE, list: ENVELOPE_LIST, ...JSON_BODIES },
    form: { schema: FORM_SCHEMA, bodies: FORM_BODIES },
    bodyLimit: 5 * MEBIBYTE,
    rawBody: true,
    errors: [WebhookError.only('unknown_provider', 'invalid_signature', 'stale_timestamp')],
  })
  async receiveWebhook(@Param('provider', ProviderPipe) provider: ProviderId, @Query('connection') connection: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { receipt, answer } = await this.intake.receive(postOf(provider, connection, request));
    if (answer !== undefined) void reply.status(answer.status);
    if (answer?.type === undefined) return receipt;
    void reply.type(answer.type);
    return answer.body;
  }

  @Get(':provider')
  @ApiParam({ name: 'provider', enum: PROVIDER_IDS })
  @Connection()
  @Route({
    allow: 'public',
    summary: 'Answer a provider’s check of the URL',
    description: 'Some providers check the URL by an unsigned GET or HEAD before they post to it. The answer is empty if a post to the URL could be verified. Twilio is refused, since it can be configured to send events by GET.',
    produces: 'text/plain',
    errors: [WebhookError.only('unknown_provider', 'invalid_signature'), { method_not_allowed: COMMON_ERRORS.method_not_allowed }],
  })
  async greetWebhook(@Param('provider', ProviderPipe) provider: ProviderId, @Query('connection') connection: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.intake.greet(postOf(provider, connection, request));
    void reply.type('text/plain');
    return '';
  }
}

const postOf = (provider: ProviderId, connection: unknown, { method, headers, rawBody, raw }: FastifyRequest): IncomingPost => ({
  provider,
  connection: typeof connection === 'string' || connection === undefined ? connection : '', // given more than once, it names no connection
  method,
  target: raw.url!,
  headers,
  body: rawBody ?? Buffer.alloc(0),
});

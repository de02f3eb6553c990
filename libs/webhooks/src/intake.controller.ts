import { Controller, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiQuery, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { MEBIBYTE, Route } from '#http';
import { WebhookEnvelopeDto, WebhookReceiptDto } from './dto/envelope.dto.js';
import { ENVELOPE, ENVELOPE_LIST } from './examples.js';
import { IntakeService } from './intake.service.js';
import { ProviderPipe } from './provider.pipe.js';
import { PROVIDER_IDS, type ProviderId } from './providers.js';
import { WebhookError } from './webhooks.errors.js';

const optional = (name: string, description: string) => ApiHeader({ name, required: false, description });
const envelope = { $ref: getSchemaPath(WebhookEnvelopeDto) };

@ApiTags('Webhooks')
@Controller('webhooks')
export class IntakeController {
  constructor(private readonly intake: IntakeService) {}

  @Post(':provider')
  @ApiParam({ name: 'provider', enum: PROVIDER_IDS })
  @ApiQuery({ name: 'connection', required: false, type: String, description: 'Key of the connection, as its `url` has it. Without it the deployment’s own secret verifies.' })
  @optional('X-Webhook-Signature', 'HMAC-SHA256 over `<X-Webhook-Timestamp>.<raw body>`: `sha256=<hex>`, bare hex, base64, `v1=…`, `t=…,v1=…`, or several in a list.')
  @optional('X-Webhook-Timestamp', 'When it was signed: Unix seconds, Unix milliseconds or RFC 3339; enters the signature verbatim.')
  @optional('webhook-id', 'Standard Webhooks, instead of the two above.')
  @optional('webhook-timestamp', 'Standard Webhooks.')
  @optional('webhook-signature', 'Standard Webhooks.')
  @ApiExtraModels(WebhookEnvelopeDto)
  @ApiBody({ required: true, schema: { oneOf: [envelope, { type: 'array', items: envelope, minItems: 1, maxItems: 10_000 }] } })
  @Route({
    allow: 'public',
    status: 202,
    summary: 'Receive a webhook',
    description:
      'For the providers. Verified over the raw bytes, stored with its events in one transaction, then answered; processed right after. ' +
      'An event received before is counted as a duplicate and not processed again. A bad event in a list is kept as failed, the others count.',
    returns: WebhookReceiptDto,
    example: { received: 1, accepted: 1, duplicates: 0 },
    bodies: { opened: ENVELOPE, list: ENVELOPE_LIST },
    bodyLimit: 5 * MEBIBYTE,
    rawBody: true,
    errors: [WebhookError.only('unknown_provider', 'invalid_signature', 'stale_timestamp')],
  })
  receiveWebhook(@Param('provider', ProviderPipe) provider: ProviderId, @Query('connection') connection: unknown, @Req() request: FastifyRequest) {
    const key = typeof connection === 'string' || connection === undefined ? connection : ''; // given twice, it names no connection
    return this.intake.receive({ provider, connection: key, headers: request.headers, body: request.rawBody ?? Buffer.alloc(0) });
  }
}

import { getSchemaPath } from '@nestjs/swagger';
import { EVENT_CATALOGUE } from './event-catalogue.js';

const HEADERS = {
  'webhook-id': ['The message’s id, the same in every attempt: process each id once.', 'msg_01kzv3q6x0w9m2h7c4t8r5e1nd'],
  'webhook-timestamp': ['When this attempt was made, in Unix seconds; refuse timestamps more than five minutes from now.', '1769279400'],
  'webhook-signature': ['`v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`; one for each valid secret, separated by spaces.', 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
} as const;

const PARAMETERS = Object.entries(HEADERS).map(([name, [description, example]]) => ({ name, in: 'header', required: true, description, schema: { type: 'string' }, example }));

const RESPONSES = {
  '2XX': { description: 'Accepted; the body is ignored. After any other answer, including a redirect, or none within 15 seconds, the message is sent again: up to ten attempts over about three days.' },
  '410': { description: 'The receiver wants no more messages: the subscription is disabled.' },
  '429': { description: 'Try again later. `Retry-After` is honoured, here and on 503.' },
};

/** The `webhooks` of the OpenAPI document (https://spec.openapis.org/oas/v3.1.1#oas-webhooks): the messages that subscribers receive. */
export const webhooksDocument = (): Record<string, object> =>
  Object.fromEntries(
    Object.entries(EVENT_CATALOGUE).map(([type, { summary, description, data, example }]) => [
      type,
      {
        post: {
          operationId: type.replace(/[._](\w)/g, (_, letter: string) => letter.toUpperCase()),
          tags: ['Event subscriptions'],
          summary,
          description,
          security: [],
          parameters: PARAMETERS,
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['type', 'timestamp', 'data'],
                  properties: {
                    type: { type: 'string', enum: [type] },
                    timestamp: { type: 'string', format: 'date-time', description: 'When it happened; messages may arrive out of order.' },
                    data: { $ref: getSchemaPath(data) },
                  },
                },
                example: { type, timestamp: '2026-01-24T18:30:00.000Z', data: example },
              },
            },
          },
          responses: RESPONSES,
        },
      },
    ]),
  );

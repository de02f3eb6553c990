import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { BODY_EXAMPLES, FORM_BODY, RESPONSE_HEADERS, type RouteSpec } from '#http';
import { EVENT_MODELS, webhooksDocument } from '#subscriptions';
import { toOpenApi31 } from './openapi-31.js';

const DESCRIPTION = `Campaigns, segments, webhooks, funnels and promo codes for restaurant and commerce platforms.

Every request but the public ones carries \`Authorization: Bearer <JWT>\` with the claims \`sub\`, \`tenant_id\`, \`roles\` and \`exp\`.
Errors are \`application/problem+json\` with a stable \`code\`. Lists take \`page\` and \`limit\`, or \`cursor\`.`;

/** The published document, generated from the DTOs and routes; committed as `openapi/marketing.json`. */
export function createDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Marketing & CRM API')
    .setDescription(DESCRIPTION)
    .setVersion('1.0.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'The deployment that serves this document')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: (_controller, method) => method, autoTagControllers: false, extraModels: [...EVENT_MODELS] });
  document.webhooks = webhooksDocument();
  document.components = { ...document.components, headers: RESPONSE_HEADERS };
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(path) as [string, Operation][]) finishBody(method, operation);
  }
  return plainNames(toOpenApi31(sortKeys(document)));
}

interface Operation {
  requestBody?: { content: Record<string, { schema?: object; examples?: Record<string, { value: unknown }> }> };
  [BODY_EXAMPLES]?: Record<string, unknown>;
  [FORM_BODY]?: RouteSpec['form'];
}

/** Moves the route's body examples and form to their places in OpenAPI, and adds the merge-patch media type to a PATCH. */
function finishBody(method: string, operation: Operation): void {
  const { [BODY_EXAMPLES]: bodies = {}, [FORM_BODY]: form } = operation;
  delete operation[BODY_EXAMPLES];
  delete operation[FORM_BODY];
  const content = operation.requestBody?.content;
  if (content === undefined) return;
  if (Object.keys(bodies).length > 0) for (const media of Object.values(content)) media.examples = examplesOf(bodies);
  if (form !== undefined) content['application/x-www-form-urlencoded'] = { schema: form.schema, examples: examplesOf(form.bodies) };
  if (method === 'patch' && content['application/json']) content['application/merge-patch+json'] = content['application/json'];
}

const examplesOf = (bodies: Record<string, unknown>) => Object.fromEntries(Object.entries(bodies).map(([name, value]) => [name, { value }]));

/** Drops our `Dto` suffix: an integrator's generated client should say `Campaign`, not `CampaignDto`. */
const plainNames = (document: OpenAPIObject): OpenAPIObject =>
  JSON.parse(JSON.stringify(document).replace(/"(#\/components\/schemas\/)?(\w+)Dto"/g, '"$1$2"')) as OpenAPIObject;

/** `/docs` with an Authorize button, and `/openapi.json`. */
export function serveDocs(app: NestFastifyApplication, document = createDocument(app)): void {
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', swaggerOptions: { persistAuthorization: true, displayRequestDuration: true } });
}

/** Sorts paths and schemas, so that the diff of the committed file shows changes of the API, not of the load order. */
function sortKeys(document: OpenAPIObject): OpenAPIObject {
  const sorted = <T extends object>(members: T | undefined): T => Object.fromEntries(Object.entries(members ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
  return { ...document, paths: sorted(document.paths), components: { ...document.components, schemas: sorted(document.components?.schemas) } };
}

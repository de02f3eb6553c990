import { STATUS_CODES } from 'node:http';
import { applyDecorators, HttpCode, type NestInterceptor, SetMetadata, type Type, UseInterceptors } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiExtension, ApiExtraModels, ApiHeader, ApiOperation, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { Allow, Public } from '#auth';
import { COMMON_ERRORS, type ErrorTable } from '#kernel';
import { AnswerInterceptor } from './answer.interceptor.js';
import { IdempotencyInterceptor } from './idempotency.js';
import { ProblemDto } from './problem.js';
import { headerRefs, type ResponseHeader } from './response-headers.js';
import { ROUTE, type RouteSpec } from './route-spec.js';

/** Carries the body examples through the generator, which infers the body's schema but takes no examples with it. */
export const BODY_EXAMPLES = 'x-body-examples';

/** The same for a form beside the JSON body: the generator would give both media types the same schema. */
export const FORM_BODY = 'x-form-body';

export const MEBIBYTE = 1024 * 1024;

export function Route(spec: RouteSpec): MethodDecorator {
  const decorators = [
    SetMetadata(ROUTE, spec),
    spec.allow === 'public' ? Public() : Allow(spec.allow),
    HttpCode(spec.status ?? 200),
    RouteConfig({ bodyLimit: spec.bodyLimit ?? MEBIBYTE, bodyParts: spec.bodyParts, rawBody: spec.rawBody ?? false, consumes: spec.consumes, batch: spec.batch, judgesBody: spec.judgesBody }),
    ApiOperation({ summary: spec.summary, description: spec.description, ...(spec.allow === 'public' && { security: [] }) }),
    ApiExtension('x-permission', spec.allow),
    ApiExtension(BODY_EXAMPLES, spec.bodies ?? {}),
    ...(spec.form === undefined ? [] : [ApiExtension(FORM_BODY, spec.form)]),
    ApiExtraModels(ProblemDto, ...shapes(spec)),
    ApiResponse({ status: spec.status ?? 200, description: spec.summary, headers: headersOf(spec, spec.status ?? 200), ...success(spec) }),
    ...(spec.also === undefined ? [] : [ApiResponse({ ...spec.also, headers: headersOf(spec, spec.also.status), ...success(spec) })]),
    ...Object.entries(byStatus(spec)).map(([status, errors]) => ApiResponse({ status: Number(status), description: describe(errors), headers: headersOf(spec, Number(status)), content: problemContent(Number(status), errors) })),
  ];
  if (spec.allow !== 'public') {
    decorators.push(ApiBearerAuth(), ApiHeader({ name: 'X-Tenant-Id', required: false, description: 'Platform roles only: the tenant to act for.' }));
  }
  if (spec.idempotent) {
    decorators.push(ApiHeader({ name: 'Idempotency-Key', required: false, description: 'Up to 255 characters. The first answer is kept for 24 hours and replayed.' }));
  }
  if (spec.conditional) decorators.push(ApiHeader({ name: 'If-Match', required: false, description: 'The ETag this change is based on, a list of ETags, or `*` for any version.' }));
  if (spec.conditional === 'upsert') decorators.push(ApiHeader({ name: 'If-None-Match', required: false, description: '`*`: only create, never change.' }));
  if (spec.consumes !== undefined) {
    decorators.push(ApiConsumes(spec.consumes), ApiBody({ required: true, schema: { type: 'string', format: 'binary' } }));
  }
  return applyDecorators(...decorators, UseInterceptors(...interceptorsOf(spec)));
}

/** Only the interceptors that the route needs: Nest runs every call through all that are named, and a call without any costs a tenth less. */
function interceptorsOf({ versioned, status, idempotent }: RouteSpec): Type<NestInterceptor>[] {
  return [...(versioned || status === 201 ? [AnswerInterceptor] : []), ...(idempotent ? [IdempotencyInterceptor] : [])];
}

const shapes = ({ returns = [] }: RouteSpec): readonly Type[] => (typeof returns === 'function' ? [returns] : returns);

function success(spec: RouteSpec): object {
  if (spec.returns === undefined && spec.produces === undefined) return {};
  const refs = shapes(spec).map((dto) => ({ $ref: getSchemaPath(dto) }));
  const schema = refs.length > 1 ? { oneOf: refs } : (refs[0] ?? { type: 'string' });
  return { content: { [spec.produces ?? 'application/json']: { schema, ...(spec.example !== undefined && { example: spec.example }) } } };
}

/** Headers that are on a route's refusals, too. */
const POLICIES: readonly ResponseHeader[] = ['Cache-Control', 'Content-Security-Policy', 'Referrer-Policy'];

/** The headers that answers with this status carry. */
function headersOf(spec: RouteSpec, status: number): ReturnType<typeof headerRefs> {
  const names: ResponseHeader[] = ['X-Request-Id'];
  if (spec.allow !== 'public' && status !== 401) names.push('RateLimit', 'RateLimit-Policy');
  if (status === 401) names.push('WWW-Authenticate');
  if (status === 429 || status === 503) names.push('Retry-After');
  if (status >= 400) return headerRefs([...names, ...(spec.headers ?? []).filter((name) => POLICIES.includes(name))]);
  if (spec.versioned) names.push('ETag');
  if (status === 201 || status === 302 || spec.status === 201) names.push('Location'); // a repeated redemption answers 200, and still says where it is
  if (spec.idempotent) names.push('Idempotency-Replayed');
  return headerRefs([...names, ...(spec.headers ?? [])]);
}

/** The codes of a route, its own and the common ones, by HTTP status. */
function byStatus(spec: RouteSpec): Record<string, ErrorTable> {
  const common: (keyof typeof COMMON_ERRORS)[] = ['validation_failed', 'rate_limited', 'internal_error', 'unavailable'];
  if (spec.allow !== 'public') common.push('unauthorized', 'forbidden');
  if (spec.bodies !== undefined || spec.consumes !== undefined) common.push('payload_too_large', 'unsupported_media_type');
  if (spec.idempotent) common.push('idempotency_in_flight', 'idempotency_key_reused');
  if (spec.conditional) common.push('version_conflict');
  const grouped: Record<string, Record<string, readonly [number, string]>> = {};
  const tables: ErrorTable[] = [...(spec.errors ?? []), Object.fromEntries(common.map((code) => [code, COMMON_ERRORS[code]]))];
  for (const [code, row] of tables.flatMap((table) => Object.entries(table))) (grouped[row[0]] ??= {})[code] = row;
  return grouped;
}

const describe = (errors: ErrorTable): string =>
  Object.entries(errors)
    .map(([code, [, meaning]]) => `\`${code}\`: ${meaning}`)
    .join('\n\n');

const problemContent = (status: number, errors: ErrorTable) => ({
  'application/problem+json': {
    schema: { $ref: getSchemaPath(ProblemDto) },
    examples: Object.fromEntries(
      Object.entries(errors).map(([code, [, detail]]) => [
        code,
        { value: { type: 'about:blank', title: STATUS_CODES[status], status, detail, instance: '/api/v1/marketing', code, request_id: 'req_01kzv3q6x0w9m2h7c4t8r5e1nd' } },
      ]),
    ),
  },
});

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '#kernel';
import { parseJson } from './json-body.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as received, on routes that ask for them: a signature covers bytes, not what a parser made of them. */
    rawBody?: Buffer;
  }
  interface FastifyContextConfig {
    /** Keeps a JSON or form body unparsed in `rawBody`; with `anything`, a body of any media type or none. */
    rawBody?: boolean | 'anything';
    /** The one media type of the route's body, when it is not JSON. */
    consumes?: string;
    /** The member of a JSON body whose items are accepted or refused one by one. */
    batch?: string;
    /** Passes a JSON body that cannot be stored to the route, as an `Unstorable`. */
    judgesBody?: boolean;
    /** Bytes. */
    bodyLimit?: number;
    /** Objects, lists and members of its JSON. */
    bodyParts?: number;
  }
}

/** Teaches Fastify the bodies we take: JSON, CSV as a stream, and raw bytes (forms and any media type) on routes that ask for them. */
export function readBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    if (request.routeOptions.config.consumes !== undefined) return done(null, undefined); // not parsed: the route refuses it, once it knows who is asking
    try {
      assertUtf8(request);
      const { batch, bodyParts, judgesBody } = request.routeOptions.config;
      done(null, parseJson(body, { batch, whole: judgesBody, mostParts: bodyParts }));
    } catch (error) {
      done(error as Error);
    }
  });
  // The handler that reads the stream limits its size. No other route may see it: a stream is not a DTO.
  fastify.addContentTypeParser('text/csv', (request: FastifyRequest, payload: IncomingMessage, done) => {
    if (request.routeOptions.config.consumes === 'text/csv') done(null, payload);
    else done(unsupported());
  });
  // Forms are only for provider webhooks, which want the raw bytes.
  fastify.addContentTypeParser(['application/x-www-form-urlencoded', 'multipart/form-data'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    done(unsupported());
  });
  // Routes that take anything need this: with a missing or malformed Content-Type, no parser would be called.
  fastify.addContentTypeParser(ANY_BYTES, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (takesAnything(request) && keepsRaw(request, body)) return done(null, undefined);
    done(unsupported());
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (takesAnything(request)) request.raw.headers['content-type'] = ANY_BYTES;
    done();
  });
  // Bodies are not decompressed. Without this check, compressed bytes would be reported as bad JSON, CSV or UTF-8.
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
    done(encoding === '' || encoding === 'identity' || takesAnything(request) ? null : unsupported(), payload);
  });
  fastify.addHook('onRoute', (route) => {
    if (route.config?.bodyLimit !== undefined) route.bodyLimit = route.config.bodyLimit;
  });
}

const ANY_BYTES = 'application/octet-stream';

const takesAnything = ({ routeOptions }: FastifyRequest): boolean => routeOptions.config.rawBody === 'anything';

/** JSON is UTF-8 (RFC 8259 §8.1) and its media type has no charset; a request that names another one does not mean the text we would read. */
function assertUtf8({ headers }: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return;
  throw new RequestError('unsupported_media_type', { detail: `JSON bodies are UTF-8; charset=${charset.slice(0, 40)} is not read.` });
}

const unsupported = (): Error => Object.assign(new Error('unsupported'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 });

function keepsRaw(request: FastifyRequest, body: Buffer): boolean {
  if (!request.routeOptions.config.rawBody) return false;
  request.rawBody = body;
  return true;
}

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '#kernel';
import { parseJson } from './json-body.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of the body as they came, on routes that ask for them: a signature is over bytes, not over what a parser made of them. */
    rawBody?: Buffer;
  }
  interface FastifyContextConfig {
    /** Leaves a body of JSON or a form unparsed, in `rawBody`; with `anything`, one of any media type, or of none. */
    rawBody?: boolean | 'anything';
    /** The one media type of the route's body, when it is not JSON. */
    consumes?: string;
    /** The member of a JSON body whose items answer each for itself. */
    batch?: string;
    /** Takes a JSON body that nobody can keep as an `Unstorable`. */
    judgesBody?: boolean;
    /** Bytes. */
    bodyLimit?: number;
    /** Objects, lists and members of its JSON. */
    bodyParts?: number;
  }
}

/** Teaches Fastify the bodies we take: JSON, CSV as a stream, forms and anything on routes that want raw bytes. */
export function readBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    if (request.routeOptions.config.consumes !== undefined) return done(null, undefined); // not read: the route refuses it, whatever it holds, once it knows who asks
    try {
      assertUtf8(request);
      const { batch, bodyParts, judgesBody } = request.routeOptions.config;
      done(null, parseJson(body, { batch, whole: judgesBody, mostParts: bodyParts }));
    } catch (error) {
      done(error as Error);
    }
  });
  // Not read here: whoever reads the stream bounds it. No other route may come to see it: a stream is no DTO.
  fastify.addContentTypeParser('text/csv', (request: FastifyRequest, payload: IncomingMessage, done) => {
    if (request.routeOptions.config.consumes === 'text/csv') done(null, payload);
    else done(unsupported());
  });
  // Forms only where the raw bytes are wanted: by provider webhooks.
  fastify.addContentTypeParser(['application/x-www-form-urlencoded', 'multipart/form-data'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    done(unsupported());
  });
  // A route that takes anything takes bytes: a Content-Type that is missing, or no media type at all, would never reach a parser.
  fastify.addContentTypeParser(ANY_BYTES, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (takesAnything(request) && keepsRaw(request, body)) return done(null, undefined);
    done(unsupported());
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (takesAnything(request)) request.raw.headers['content-type'] = ANY_BYTES;
    done();
  });
  // Not unpacked: read as they come, packed bytes would be told to be bad JSON, CSV or UTF-8.
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

/** JSON is UTF-8 (RFC 8259 §8.1) and its media type has no charset; who names another one means another body than we would read. */
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

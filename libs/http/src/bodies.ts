import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseJson } from './json-body.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of the body as they came, on routes that ask for them: a signature is over bytes, not over what a parser made of them. */
    rawBody?: Buffer;
  }
  interface FastifyContextConfig {
    /** Leaves the body unparsed, in `rawBody`, whatever its media type. */
    rawBody?: boolean;
    /** The one media type of the route's body, when it is not JSON. */
    consumes?: string;
    /** Bytes. */
    bodyLimit?: number;
  }
}

/** Teaches Fastify the bodies we take: JSON, CSV as a stream, forms and anything on routes that want raw bytes. */
export function readBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
  // Not read here: whoever reads the stream bounds it. No other route may come to see it: a stream is no DTO.
  fastify.addContentTypeParser('text/csv', (request: FastifyRequest, payload: IncomingMessage, done) => {
    if (request.routeOptions.config.consumes === 'text/csv') done(null, payload);
    else done(unsupported());
  });
  // Forms only where the raw bytes are wanted: provider webhooks, and one-click unsubscribe, which RFC 8058 sends as either.
  fastify.addContentTypeParser(['application/x-www-form-urlencoded', 'multipart/form-data'], { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (keepsRaw(request, body)) return done(null, undefined);
    done(unsupported());
  });
  // Not unpacked: read as they come, packed bytes would be told to be bad JSON, CSV or UTF-8.
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
    done(encoding === '' || encoding === 'identity' ? null : unsupported(), payload);
  });
  fastify.addHook('onRoute', (route) => {
    if (route.config?.bodyLimit !== undefined) route.bodyLimit = route.config.bodyLimit;
  });
}

const unsupported = (): Error => Object.assign(new Error('unsupported'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 });

function keepsRaw(request: FastifyRequest, body: Buffer): boolean {
  if (!request.routeOptions.config.rawBody) return false;
  request.rawBody = body;
  return true;
}

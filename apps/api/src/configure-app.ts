import type { IncomingMessage } from 'node:http';
import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readBodies, sendProblem, textFault } from '#http';
import { type Fault, newId, RequestError, validationFailed } from '#kernel';
import { answerClientError } from './client-errors.js';
import { logRequests } from './request-log.js';

export const BASE_PATH = 'api/v1/marketing';

/** Paths that are not under the base path. */
const OUTSIDE = ['health/live', 'health/ready', 'metrics', 'openapi.json', 't/o/:token', 't/c/:token', 't/u/:token'];

const REQUEST_ID = /^[\w.:-]{8,128}$/;

/** The caller's request id if it is valid, else a new one. */
const requestId = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : newId('req');
};

/**
 * Builds the HTTP application around a module: how bodies are read, request ids given and errors reported. Used by the api
 * process, `npm start`, the tests and the OpenAPI writer.
 */
export async function createApp(module: Type | DynamicModule, logger: LoggerService | false, options: { preview?: boolean } = {}): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    genReqId: requestId,
    logger: false,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    return503OnClosing: false, // in Fastify's own format; ours is in the hook below
    http: { requireHostHeader: false }, // without a Host, Node would refuse with an empty answer; see the hook below
    clientErrorHandler: answerClientError,
    frameworkErrors: ({ code }: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(request, reply, code === 'FST_ERR_MAX_PARAM_LENGTH' ? new RequestError('not_found') : new RequestError('validation_failed', { detail: 'The URL is not properly percent-encoded.' })),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger, bodyParser: false, abortOnError: false, ...options });
  const fastify = adapter.getInstance();
  readBodies(fastify);
  const isClosing = endConnectionsOnClose(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    if (isClosing()) return sendProblem(request, reply.header('connection', 'close'), new RequestError('unavailable', { retryAfter: 1 }));
    const faults = [...missingHost(request), ...parameterFaults(request)];
    if (faults.length === 0) return done();
    sendProblem(request, reply, validationFailed(faults));
  });
  logRequests(fastify);
  app.setGlobalPrefix(BASE_PATH, { exclude: OUTSIDE });
  return app;
}

/**
 * Ends connections on shutdown: one whose request was under way would stay open after its answer for as long as its client likes, and the process would wait for it.
 *
 * @returns whether the shutdown has begun
 */
function endConnectionsOnClose(fastify: FastifyInstance): () => boolean {
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    const sweep = setInterval(() => fastify.server.closeIdleConnections(), 100);
    fastify.server.once('close', () => clearInterval(sweep));
    done();
  });
  return () => closing;
}

/** RFC 9112 §3.2: an HTTP/1.1 request without a Host is refused. */
const missingHost = ({ raw }: FastifyRequest): Fault[] =>
  raw.httpVersion === '1.1' && raw.headers.host === undefined ? [{ parameter: 'Host', code: 'required', detail: 'An HTTP/1.1 request names its host.' }] : [];

/** Faults of texts in the path and the query that PostgreSQL cannot store. */
function parameterFaults(request: FastifyRequest): Fault[] {
  const all: Record<string, unknown> = { ...(request.query as object), ...(request.params as object) };
  return Object.entries(all).flatMap(([parameter, value]) => {
    const fault = [value].flat().map((one) => (typeof one === 'string' ? textFault(one) : null)).find((one) => one !== null);
    return fault ? [{ parameter, ...fault }] : [];
  });
}

import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUnreachable, sqlState } from '#database';
import { DomainError, RequestError } from '#kernel';
import { toProblem } from './problem.js';

/** SQLSTATEs that mean "not now" where the server was reached: shutdown, timeouts, lock not available, contention. */
const NOT_NOW = /^(57P0[45]|57014|55P03|40001|40P01)$/;

/** What Fastify's own errors mean to a caller (https://fastify.dev/docs/latest/Reference/Errors/). */
const FASTIFY: Readonly<Record<string, () => RequestError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new RequestError('payload_too_large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new RequestError('unsupported_media_type'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new RequestError('validation_failed', { detail: 'The body is not as long as Content-Length says.' }),
  FST_ERR_BAD_URL: () => new RequestError('validation_failed', { detail: 'The URL is not properly percent-encoded.' }),
};

/** The one place where an exception becomes an answer: problem+json, a request id, never a stack trace. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = this.translate(exception);
    if (error.status >= 500) this.logger.error({ msg: 'request failed', request_id: request.id, code: error.code, err: exception });
    sendProblem(request, reply, error);
  }

  private translate(exception: unknown): DomainError {
    if (exception instanceof DomainError) return exception;
    if (exception instanceof HttpException) return fromHttpException(exception);
    const { code, message } = (exception ?? {}) as { code?: unknown; message?: unknown };
    // As Node says it of a request whose caller hung up; a connection to PostgreSQL that was reset has the same code.
    if (code === 'ECONNRESET' && message === 'aborted') return new RequestError('validation_failed', { detail: 'The body ended early.' });
    const known = typeof code === 'string' ? FASTIFY[code] : undefined;
    if (known !== undefined) return known();
    const state = sqlState(exception) ?? '';
    if (isUnreachable(exception) || NOT_NOW.test(state)) return new RequestError('unavailable', { retryAfter: 1 });
    if (/^22/.test(state)) {
      // No DTO refused a value that PostgreSQL cannot store: still the caller's fault, but the DTO lacks a rule.
      this.logger.warn({ msg: 'a value reached PostgreSQL that it cannot take', err: exception });
      return new RequestError('validation_failed', { detail: 'A value is out of the range that can be stored.' });
    }
    return new RequestError('internal_error');
  }
}

/** Nest's own exceptions: no such route (404), and what its parsers refuse. */
function fromHttpException(exception: HttpException): RequestError {
  const status = exception.getStatus();
  if (status === 404) return new RequestError('not_found');
  if (status === 405) return new RequestError('method_not_allowed');
  if (status === 413) return new RequestError('payload_too_large');
  if (status === 415) return new RequestError('unsupported_media_type');
  if (status === 503) return new RequestError('unavailable', { retryAfter: 1 });
  return status >= 500 ? new RequestError('internal_error') : new RequestError('validation_failed', { detail: exception.message });
}

/** Sends the problem; also used where Fastify answers before Nest is reached. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: DomainError): void {
  if (error.context.retryAfter !== undefined) void reply.header('retry-after', Math.ceil(error.context.retryAfter));
  void reply.header('x-request-id', request.id);
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  const instance = request.url.split('?', 1)[0]!;
  void reply.status(error.status).header('content-type', 'application/problem+json; charset=utf-8').send(JSON.stringify(toProblem(error, instance, String(request.id))));
}

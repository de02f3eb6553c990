import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { httpDuration } from './metrics.js';

/** Logs one line and records one duration per answered request. With the route's pattern, not the URL, which contains customers and search terms. */
export function logRequests(fastify: FastifyInstance): void {
  const logger = new Logger('http');
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    const seconds = reply.elapsedTime / 1000;
    httpDuration.observe({ method: request.method, route, status: String(reply.statusCode) }, seconds);
    logger.debug({
      msg: 'request',
      request_id: request.id,
      tenant: request.principal?.tenant.name,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    });
    done();
  });
}

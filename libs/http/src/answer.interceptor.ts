import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { isObject } from '#kernel';
import { ROUTE, type RouteSpec } from './route-spec.js';
import { Versioned } from './versioned.js';

/** Sets the headers that follow from the answer: ETag from its version, Location from the id of what was created. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const spec = this.reflector.get<RouteSpec | undefined>(ROUTE, context.getHandler());
    const http = context.switchToHttp();
    return next.handle().pipe(
      map((result: unknown) => {
        const reply = http.getResponse<FastifyReply>();
        const body = result instanceof Versioned ? result.body : result;
        if (result instanceof Versioned) void reply.header('etag', `"${result.version}"`);
        if (spec?.status === 201 && isObject(body) && typeof body.id === 'string' && !reply.hasHeader('location')) {
          const path = http.getRequest<FastifyRequest>().url.split('?', 1)[0]!;
          const base = spec.createdUnder === undefined ? path.replace(/\/$/, '') : path.slice(0, path.indexOf(spec.createdUnder)) + spec.createdUnder;
          void reply.header('location', `${base}/${encodeURIComponent(body.id)}`);
        }
        return body;
      }),
    );
  }
}

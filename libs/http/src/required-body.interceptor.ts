import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { isObject, pointerToken, validationFailed } from '#kernel';
import { MOST_FAULTS } from './problem.js';
import { ROUTE, type RouteSpec } from './route.js';

/** Refuses a request without the JSON body that its route takes: an empty one is none, and is not the same as `{}`. And one with a body that its route knows nothing of: whoever sends it means something by it. */
@Injectable()
export class RequiredBodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const spec = this.reflector.get<RouteSpec | undefined>(ROUTE, context.getHandler());
    if (spec !== undefined && spec.consumes === undefined && !spec.rawBody && !spec.bodyOptional) {
      const { body } = context.switchToHttp().getRequest<FastifyRequest>();
      if (spec.bodies === undefined) assertSaysNothing(body);
      else if (body === undefined) throw validationFailed([{ pointer: '', code: 'required', detail: 'The request must have a JSON body.' }]);
    }
    return next.handle();
  }
}

/** An action takes no body, or an empty one. */
function assertSaysNothing(body: unknown): void {
  if (body === undefined) return;
  if (!isObject(body)) throw validationFailed([{ pointer: '', code: 'is_object', detail: 'The body must be a JSON object, or left out.' }]);
  const names = Object.keys(body).slice(0, MOST_FAULTS);
  if (names.length > 0) throw validationFailed(names.map((name) => ({ pointer: `/${pointerToken(name)}`, code: 'unknown_property', detail: 'This takes no properties.' })));
}

import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { validationFailed } from '#kernel';
import { ROUTE, type RouteSpec } from './route.js';

/** Refuses a request without the JSON body that its route takes: an empty one is none, and is not the same as `{}`. */
@Injectable()
export class RequiredBodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const spec = this.reflector.get<RouteSpec | undefined>(ROUTE, context.getHandler());
    const takesJson = spec?.bodies !== undefined && spec.consumes === undefined && !spec.rawBody && !spec.bodyOptional;
    if (takesJson && context.switchToHttp().getRequest<FastifyRequest>().body === undefined) {
      throw validationFailed([{ pointer: '', code: 'required', detail: 'The request must have a JSON body.' }]);
    }
    return next.handle();
  }
}

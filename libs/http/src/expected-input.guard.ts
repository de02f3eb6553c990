import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { isObject, pointerToken, validationFailed } from '#kernel';
import { MOST_FAULTS } from './problem.js';
import { ROUTE, type RouteSpec } from './route-spec.js';

/**
 * Refuses a request without the JSON body that its route takes (an empty body is not `{}`), and one with a body or a query that its route
 * ignores: the sender expects it to have an effect.
 */
@Injectable()
export class ExpectedInputGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const spec = this.reflector.get<RouteSpec | undefined>(ROUTE, context.getHandler());
    if (spec !== undefined) {
      const { body, query } = context.switchToHttp().getRequest<FastifyRequest>();
      const parameters = Object.keys(query as object);
      if (parameters.length > 0 && takesNoQuery(spec, context)) throw unknownQuery(parameters);
      if (spec.consumes === undefined && !spec.rawBody && !spec.bodyOptional) {
        if (spec.bodies === undefined) assertSaysNothing(body);
        else if (body === undefined) throw validationFailed([{ pointer: '', code: 'required', detail: 'The request must have a JSON body.' }]);
      }
    }
    return true;
  }
}

/** Whether the route reads no query, neither by a DTO nor by a reader of files. Public URLs take any: providers add parameters to webhook calls, mail programs to links. */
function takesNoQuery({ allow, consumes }: RouteSpec, context: ExecutionContext): boolean {
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) as object | undefined;
  return allow !== 'public' && consumes === undefined && !Object.keys(parameters ?? {}).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`));
}

const unknownQuery = (parameters: string[]): Error =>
  validationFailed(parameters.slice(0, MOST_FAULTS).map((parameter) => ({ parameter, code: 'unknown_property', detail: 'This takes no query.' })));

/** An action takes no body, or an empty one. */
function assertSaysNothing(body: unknown): void {
  if (body === undefined) return;
  if (!isObject(body)) throw validationFailed([{ pointer: '', code: 'is_object', detail: 'The body must be a JSON object, or left out.' }]);
  const names = Object.keys(body).slice(0, MOST_FAULTS);
  if (names.length > 0) throw validationFailed(names.map((name) => ({ pointer: `/${pointerToken(name)}`, code: 'unknown_property', detail: 'This takes no properties.' })));
}

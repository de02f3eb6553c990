import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Tenant } from '#kernel';
import type { Role } from './role.js';

/** Who calls, and for which tenant. */
export interface Principal {
  readonly subject: string;
  readonly roles: readonly Role[];
  /** The tenant acted for: the token's own, or the one that a platform role names with X-Tenant-Id. */
  readonly tenant: Tenant;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

/** The tenant of the request, as a handler's parameter. */
export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext): Tenant => principalOf(context).tenant);

/** The caller, as a handler's parameter. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => principalOf(context));

function principalOf(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (principal === undefined) throw new Error('A @Public() route has no caller');
  return principal;
}

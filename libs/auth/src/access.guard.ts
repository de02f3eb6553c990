import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { domainError, RequestError, type Tenant } from '#kernel';
import { ACCESS, type Access } from './access.js';
import { permits } from './permissions.js';
import type { Principal } from './principal.js';
import { PLATFORM_ROLES } from './role.js';
import { TenantDirectory } from './tenant-directory.js';
import { type Claims, TokenVerifier } from './token-verifier.js';

export class TenantError extends domainError({ tenant_not_found: [404, 'No such tenant has been seen.'] }) {}

const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i;

/** Decides who is calling, whether they may, and for which tenant. Denies a route that declares no access. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokenVerifier,
    private readonly tenants: TenantDirectory,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]);
    if (access === 'public') return true;
    if (access === undefined) throw new RequestError('forbidden');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new RequestError('unauthorized');
    const claims = await this.tokens.verify(token);
    if (!permits(claims.roles, access)) throw new RequestError('forbidden');
    const tenant = await this.tenantOf(claims, request);
    request.principal = { subject: claims.subject, roles: claims.roles, tenant } satisfies Principal;
    return true;
  }

  private async tenantOf(claims: Claims, request: FastifyRequest): Promise<Tenant> {
    const header = request.headers['x-tenant-id'];
    const wanted = typeof header === 'string' ? Buffer.from(header, 'latin1').toString('utf8') : header; // names may hold any letters, and Node reads headers as Latin-1
    if (wanted === undefined || wanted === claims.tenant) return this.tenants.resolve(claims.tenant);
    if (!claims.roles.some((role) => PLATFORM_ROLES.includes(role))) {
      throw new RequestError('forbidden', { detail: 'X-Tenant-Id may differ from the token’s tenant for platform roles only.' });
    }
    const tenant = typeof wanted === 'string' ? await this.tenants.find(wanted) : null;
    if (tenant === null) throw new TenantError('tenant_not_found');
    await this.tenants.recordVisit(tenant, {
      subject: claims.subject,
      home: claims.tenant,
      method: request.method,
      route: request.routeOptions.url ?? '',
      requestId: String(request.id),
    });
    return tenant;
  }
}

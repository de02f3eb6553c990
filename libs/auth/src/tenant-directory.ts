import type { Tenant } from '#kernel';

/** What authentication asks of the tenants domain, a floor above; the apps bind it. */
export abstract class TenantDirectory {
  /** The tenant of a valid token, provisioned when nobody has seen it before. */
  abstract resolve(name: string): Promise<Tenant>;
  /** A tenant somebody has seen, or null. */
  abstract find(name: string): Promise<Tenant | null>;
  /** Keeps that a platform role acted for the tenant. */
  abstract recordVisit(tenant: Tenant, visit: { subject: string; home: string; method: string; route: string; requestId: string }): Promise<void>;
}

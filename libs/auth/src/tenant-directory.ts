import type { Tenant } from '#kernel';

/** What authentication needs from the tenants domain, which is a layer above; the apps bind it. */
export abstract class TenantDirectory {
  /** The tenant of a valid token, provisioned the first time it is seen. */
  abstract resolve(name: string): Promise<Tenant>;
  /** A tenant that has been seen before, or null. */
  abstract find(name: string): Promise<Tenant | null>;
  /** Records that a platform role acted for the tenant. */
  abstract recordVisit(tenant: Tenant, visit: { subject: string; home: string; method: string; route: string; requestId: string }): Promise<void>;
}

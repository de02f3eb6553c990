import { Customers, type ProfilePatch } from '#customers';
import { Database } from '#database';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import type { TestApp } from './app.js';

export interface KnownCustomer extends ProfilePatch {
  id: string;
  /** Orders, their total in minor units, and how many milliseconds ago the last was. */
  orders?: { count: number; spent: number; ago: number };
}

export const tenantOf = (app: TestApp, name = app.tenant): Promise<Tenant> => app.nest.get(Tenants).resolve(name);

/** Puts customers there as the other domains do: through the door, marked as changed. */
export async function addCustomers(app: TestApp, customers: readonly KnownCustomer[], tenantName = app.tenant): Promise<void> {
  const tenant = await tenantOf(app, tenantName);
  const door = app.nest.get(Customers, { strict: false });
  await app.nest.get(Database).inTenant(tenant, async (tx) => {
    for (const { id, orders, ...patch } of customers) {
      const customerNo = await door.upsertOne(tx, tenant, id, patch);
      if (orders === undefined) continue;
      const at = new Date(app.clock.now().getTime() - orders.ago);
      await door.recordOrderFacts(tx, tenant, [{ customerNo, orders: orders.count, spent: orders.spent, firstAt: at, lastAt: at }]);
    }
  });
}

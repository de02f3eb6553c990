import type { EntityManager } from 'typeorm';
import type { JsonObject, Tenant } from '#kernel';
import { REPAIR_NIGHTLY } from './membership.queries.js';
import { INSERT } from './segments.queries.js';

/** The segments that every tenant has, under ids that callers may count on. */
const WELL_KNOWN: Readonly<Record<string, { name: string; description: string; criteria: JsonObject }>> = {
  seg_all_customers: { name: 'All Customers', description: 'Everybody.', criteria: { customer_id: { exists: true } } },
  seg_new_customers: { name: 'New Customers', description: 'First seen in the last 30 days.', criteria: { days_since_signup: { lt: 30 } } },
  seg_loyalty_gold: { name: 'Gold Loyalty Members', description: 'Of the loyalty tier gold.', criteria: { loyalty_tier: 'gold' } },
  seg_inactive_30: { name: 'Inactive 30+ Days', description: 'Ordered once, but not in the last 30 days.', criteria: { last_order_days_ago: { gte: 30 } } },
};

/** Its id says who is in it; what is new, gold or inactive is the tenant's to say. */
export const ALL_CUSTOMERS = 'seg_all_customers';

export const isWellKnown = (segmentId: string): boolean => Object.hasOwn(WELL_KNOWN, segmentId);

/** Adds them to a new tenant: it has no customers yet, so they are empty and up to date. */
export async function provisionWellKnown(tx: EntityManager, tenant: Tenant, now: Date): Promise<void> {
  for (const [id, { name, description, criteria }] of Object.entries(WELL_KNOWN)) {
    await tx.query(INSERT, [tenant.id, id, name, description, 'dynamic', JSON.stringify(criteria), now, now]);
  }
  await tx.query(REPAIR_NIGHTLY, [tenant.id, now, 'UTC']); // the zone of a tenant that has not chosen one
}

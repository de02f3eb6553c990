import type { TestApp } from './app.js';

/** Moments written as the tables hold them, past the doors: a property test plants thousands. */
export interface Planted {
  events?: { customer: number; stage: string; at: string }[];
  orders?: { customer: number; at: string }[];
}

export async function plant(app: TestApp, tenant: string, { events = [], orders = [] }: Planted): Promise<void> {
  await app.api(['marketing'], tenant).GET('/api/v1/marketing/settings'); // provisions it
  const [row] = await app.sql<{ id: number }>('SELECT id FROM tenants WHERE name = $1', [tenant]);
  await app.sql(`SELECT ensure_event_month(month) FROM (SELECT DISTINCT date_trunc('month', at)::date AS month FROM unnest($1::timestamptz[]) at) months`, [
    events.map((event) => event.at),
  ]);
  await app.sql(
    `INSERT INTO events (tenant_id, customer_no, occurred_at, type, stage, event_id)
     SELECT $1, customer, at, 'planted', stage, gen_random_uuid() FROM unnest($2::int[], $3::timestamptz[], $4::text[]) planted (customer, at, stage)`,
    [row!.id, events.map((event) => event.customer), events.map((event) => event.at), events.map((event) => event.stage)],
  );
  await app.sql(
    `INSERT INTO orders (tenant_id, order_id, customer_no, total, occurred_at)
     SELECT $1, gen_random_uuid(), customer, 2500, at FROM unnest($2::int[], $3::timestamptz[]) planted (customer, at)`,
    [row!.id, orders.map((order) => order.customer), orders.map((order) => order.at)],
  );
}

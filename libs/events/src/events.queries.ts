/** $1 tenant, $2 ids. Returns those nobody had; of two batches at once, the second waits for the first. */
export const CLAIM_IDS = `
  INSERT INTO event_ids (tenant_id, event_id) SELECT $1, id FROM unnest($2::text[]) AS told (id) ORDER BY id
  ON CONFLICT (tenant_id, event_id) DO NOTHING RETURNING event_id`;

/** $1 tenant, $2 customers, $3 instants, $4 types, $5 stages, $6 ids, $7 orders, $8 amounts, $9 properties */
export const INSERT_EVENTS = `
  INSERT INTO events (tenant_id, customer_no, occurred_at, type, stage, event_id, order_id, amount, properties)
  SELECT $1, * FROM unnest($2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[])`;

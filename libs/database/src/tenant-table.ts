import type { QueryRunner } from 'typeorm';
import { APP_ROLE } from './connection-options.js';

/**
 * Restricts a table to the tenant of the transaction, and opens it to the application's role. The migration that creates a table
 * with a `tenant_id` must call this; a test walks the catalogue and fails on any table without it.
 *
 * @param grants what the application may do there: a log, for instance, is append-only
 */
export async function tenantTable(runner: QueryRunner, table: string, grants = 'SELECT, INSERT, UPDATE, DELETE'): Promise<void> {
  await runner.query(`
    ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON ${table} USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()));
    GRANT ${grants} ON ${table} TO ${APP_ROLE};`);
}

/** Opens a table without tenants, such as a directory, to the application's role. */
export async function sharedTable(runner: QueryRunner, table: string, grants = 'SELECT, INSERT, UPDATE, DELETE'): Promise<void> {
  await runner.query(`GRANT ${grants} ON ${table} TO ${APP_ROLE};`);
}

/**
 * Keeps the table's row count per `key` columns in `row_counts`, by statement-level triggers, so that a list's `total`
 * is a sum over a few small rows and never a count over a growing table. Sixteen shards, chosen by backend, keep writers apart.
 *
 * @param key columns whose combinations are counted; an UPDATE that changes one moves the row
 */
export async function countedTable(runner: QueryRunner, table: string, key: readonly string[] = []): Promise<void> {
  const bucket = key.length === 0 ? `''` : key.map((column) => `${column}::text`).join(` || '/' || `);
  const changes = {
    insert: `SELECT tenant_id, ${bucket} AS bucket, count(*) AS n FROM new_rows GROUP BY 1, 2`,
    delete: `SELECT tenant_id, ${bucket} AS bucket, -count(*) AS n FROM old_rows GROUP BY 1, 2`,
    update: `SELECT tenant_id, bucket, sum(n) AS n FROM (
        SELECT tenant_id, ${bucket} AS bucket, 1 AS n FROM new_rows
        UNION ALL SELECT tenant_id, ${bucket}, -1 FROM old_rows) moved
      GROUP BY 1, 2 HAVING sum(n) <> 0`,
  };
  const transitions = {
    insert: 'REFERENCING NEW TABLE AS new_rows',
    delete: 'REFERENCING OLD TABLE AS old_rows',
    update: 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows',
  };
  for (const event of ['insert', 'delete', 'update'] as const) {
    if (event === 'update' && key.length === 0) continue;
    await runner.query(`
      CREATE FUNCTION count_${table}_${event}() RETURNS trigger LANGUAGE plpgsql AS $count$
      BEGIN
        INSERT INTO row_counts AS kept (tenant_id, relation, bucket, shard, n)
        SELECT tenant_id, '${table}', bucket, pg_backend_pid() % 16, n FROM (${changes[event]}) change ORDER BY bucket
        ON CONFLICT (tenant_id, relation, bucket, shard) DO UPDATE SET n = kept.n + excluded.n;
        RETURN NULL;
      END $count$;
      CREATE TRIGGER count_${event} AFTER ${event.toUpperCase()} ON ${table} ${transitions[event]}
        FOR EACH STATEMENT EXECUTE FUNCTION count_${table}_${event}();`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE } from '../connection-options.js';
import { tenantTable } from '../tenant-table.js';

/** Behaviour events by month, the ids that make each count once, orders, and refunds of orders not seen yet. */
export class Events1764000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE event_ids (
        tenant_id int NOT NULL REFERENCES tenants,
        event_id text NOT NULL,
        PRIMARY KEY (tenant_id, event_id)
      );
      CREATE TABLE events (
        tenant_id int NOT NULL,
        customer_no int NOT NULL,
        occurred_at timestamptz NOT NULL,
        type text NOT NULL,
        stage text,
        event_id text NOT NULL,
        order_id text,
        amount bigint,
        properties jsonb
      ) PARTITION BY RANGE (occurred_at);
      CREATE INDEX events_stage ON events (tenant_id, stage, customer_no, occurred_at) WHERE stage IS NOT NULL;
      CREATE INDEX events_customer ON events (tenant_id, customer_no, type, occurred_at);
      CREATE TABLE orders (
        tenant_id int NOT NULL REFERENCES tenants,
        order_id text NOT NULL,
        customer_no int NOT NULL,
        total bigint NOT NULL,
        refunded bigint NOT NULL DEFAULT 0,
        occurred_at timestamptz NOT NULL,
        promo_code text,
        location_id text,
        channel text,
        items jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (tenant_id, order_id)
      );
      CREATE TABLE refunds_ahead (
        tenant_id int NOT NULL REFERENCES tenants,
        order_id text NOT NULL,
        amount bigint NOT NULL,
        PRIMARY KEY (tenant_id, order_id)
      );
      CREATE INDEX orders_customer ON orders (tenant_id, customer_no, occurred_at);`);
    // The application owns no table, so it asks the owner for a month's partition.
    await runner.query(`
      CREATE FUNCTION ensure_event_month(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $fn$
      DECLARE first date := date_trunc('month', month)::date; part text := 'events_' || to_char(first, 'YYYYMM');
      BEGIN
        IF first < DATE '2000-01-01' OR first > (now() + interval '10 years')::date THEN RAISE EXCEPTION 'no events in %', month; END IF;
        IF to_regclass(part) IS NOT NULL THEN RETURN; END IF;
        PERFORM pg_advisory_xact_lock(hashtext('ensure_event_month'));
        -- Asks the catalogue, not to_regclass: an advisory lock does not refresh that one's cache, which still says that there is none.
        IF EXISTS (SELECT 1 FROM pg_class WHERE relname = part AND relnamespace = 'public'::regnamespace) THEN RETURN; END IF;
        EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', part, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
      END $fn$;
      REVOKE ALL ON FUNCTION ensure_event_month(date) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ensure_event_month(date) TO ${APP_ROLE};`);
    for (const table of ['event_ids', 'events', 'orders', 'refunds_ahead']) await tenantTable(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION ensure_event_month(date); DROP TABLE refunds_ahead, orders, events, event_ids;`);
  }
}

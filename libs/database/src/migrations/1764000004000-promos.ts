import type { MigrationInterface, QueryRunner } from 'typeorm';
import { countedTable, tenantTable } from '../tenant-table.js';

/**
 * Promos, the directory of their codes, and the ledger of redemptions with its counters. The ledger's tables name promos and tenants without
 * foreign keys: the key-share lock of each insert would make every redeemer of a hot code write to one row.
 */
export class Promos1764000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE promos (
        tenant_id int NOT NULL REFERENCES tenants,
        promo_no int GENERATED ALWAYS AS IDENTITY,
        promo_id text NOT NULL,
        code text NOT NULL,
        type text NOT NULL CHECK (type IN ('percentage', 'fixed_amount', 'free_delivery')),
        value bigint,
        min_order_amount bigint,
        max_discount bigint,
        usage_limit int,
        per_customer_limit int,
        budget bigint,
        valid_from timestamptz,
        valid_until timestamptz,
        applies_to jsonb NOT NULL,
        schedule jsonb,
        segment_no int,
        segment_id text,
        first_order_only boolean NOT NULL,
        unique_codes_only boolean NOT NULL DEFAULT false,
        stackable boolean NOT NULL,
        priority int NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'paused', 'archived')),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version int NOT NULL DEFAULT 1,
        PRIMARY KEY (tenant_id, promo_no),
        CONSTRAINT promos_promo_id UNIQUE (tenant_id, promo_id),
        CONSTRAINT promos_value CHECK ((value IS NULL) = (type = 'free_delivery')),
        CONSTRAINT promos_validity CHECK (valid_until > valid_from)
      );
      CREATE INDEX promos_status ON promos (tenant_id, status, promo_id);
      CREATE INDEX promos_code ON promos (tenant_id, code, created_at);`);

    // A code belongs to one promo at a time; that of an archived promo may be taken over. A unique code belongs to one customer of a campaign,
    // for good, and to at most one redemption at a time. Who was merged into one who has a code of the campaign has it beside (merged_no).
    await runner.query(`
      CREATE TABLE promo_codes (
        tenant_id int NOT NULL,
        code text NOT NULL,
        promo_no int NOT NULL,
        campaign_no int,
        customer_no int,
        merged_no int,
        redemption_id text,
        PRIMARY KEY (tenant_id, code),
        CONSTRAINT promo_codes_assigned CHECK ((campaign_no IS NULL) = (customer_no IS NULL))
      );
      CREATE UNIQUE INDEX promo_codes_customer ON promo_codes (tenant_id, customer_no, campaign_no, merged_no) NULLS NOT DISTINCT WHERE customer_no IS NOT NULL;`);

    await runner.query(`
      CREATE TABLE promo_redemptions (
        tenant_id int NOT NULL,
        redemption_id text NOT NULL,
        promo_no int NOT NULL,
        code text NOT NULL,
        customer_no int,
        order_id text NOT NULL,
        status text NOT NULL CHECK (status IN ('reserved', 'redeemed', 'rolled_back', 'expired')),
        currency text NOT NULL,
        order_amount bigint NOT NULL,
        order_total bigint NOT NULL,
        discount bigint NOT NULL CHECK (discount > 0),
        delivery_discount bigint NOT NULL DEFAULT 0,
        line_ids text[] NOT NULL,
        line_discounts bigint[] NOT NULL,
        day date NOT NULL,
        created_at timestamptz NOT NULL,
        rolled_back_at timestamptz,
        rollback_reason text,
        PRIMARY KEY (tenant_id, redemption_id)
      );
      CREATE UNIQUE INDEX promo_redemptions_order ON promo_redemptions (tenant_id, order_id, promo_no) WHERE status IN ('reserved', 'redeemed');
      CREATE INDEX promo_redemptions_customer ON promo_redemptions (tenant_id, customer_no, created_at) WHERE customer_no IS NOT NULL;
      CREATE TABLE promo_redemption_keys (
        tenant_id int NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        redemption_ids text[] NOT NULL,
        several boolean NOT NULL,
        PRIMARY KEY (tenant_id, key)
      );`);

    // A promo with a usage limit or a budget counts in shard 0 alone: that row is its lock. One without spreads over sixteen, and nobody waits.
    await runner.query(`
      CREATE TABLE promo_totals (
        tenant_id int NOT NULL,
        promo_no int NOT NULL,
        shard int NOT NULL,
        uses bigint NOT NULL,
        customers bigint NOT NULL,
        discount bigint NOT NULL,
        revenue bigint NOT NULL,
        PRIMARY KEY (tenant_id, promo_no, shard)
      );
      CREATE TABLE promo_days (
        tenant_id int NOT NULL,
        promo_no int NOT NULL,
        day date NOT NULL,
        shard int NOT NULL,
        uses bigint NOT NULL,
        discount bigint NOT NULL,
        revenue bigint NOT NULL,
        PRIMARY KEY (tenant_id, promo_no, day, shard)
      );
      CREATE TABLE promo_customers (
        tenant_id int NOT NULL,
        promo_no int NOT NULL,
        customer_no int NOT NULL,
        uses int NOT NULL,
        PRIMARY KEY (tenant_id, customer_no, promo_no)
      );`);
    await tenantTable(runner, 'promos', 'SELECT, INSERT, UPDATE');
    await tenantTable(runner, 'promo_redemptions', 'SELECT, INSERT, UPDATE');
    for (const table of ['promo_codes', 'promo_redemption_keys', 'promo_totals', 'promo_days', 'promo_customers']) await tenantTable(runner, table);
    await countedTable(runner, 'promos', ['status', 'type']);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE promo_customers, promo_days, promo_totals, promo_redemption_keys, promo_redemptions, promo_codes, promos;
      DROP FUNCTION count_promos_insert, count_promos_delete, count_promos_update;`);
  }
}

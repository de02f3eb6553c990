import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE } from '../connection-options.js';
import { countedTable, tenantTable } from '../tenant-table.js';

/** Profiles with their facts, consent history, suppressions, the queue of customers whose segments must be looked at again, and imports. */
export class Customers1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE customer_ordinals (
        tenant_id int PRIMARY KEY REFERENCES tenants,
        next int NOT NULL
      );
      CREATE TABLE customers (
        tenant_id int NOT NULL REFERENCES tenants,
        customer_no int NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        email text COLLATE "C",
        phone text COLLATE "C",
        first_name text,
        last_name text,
        name_search text COLLATE "C",
        last_name_search text COLLATE "C",
        locale text,
        timezone text,
        birthday date,
        city text,
        loyalty_tier text,
        loyalty_points int,
        tags text[] NOT NULL DEFAULT '{}',
        attributes jsonb NOT NULL DEFAULT '{}',
        push_subscription jsonb,
        consent_email text NOT NULL DEFAULT 'unknown' CHECK (consent_email IN ('subscribed', 'unsubscribed', 'unknown')),
        consent_sms text NOT NULL DEFAULT 'unknown' CHECK (consent_sms IN ('subscribed', 'unsubscribed', 'unknown')),
        consent_push text NOT NULL DEFAULT 'unknown' CHECK (consent_push IN ('subscribed', 'unsubscribed', 'unknown')),
        consents jsonb NOT NULL DEFAULT '{}',
        order_count int NOT NULL DEFAULT 0,
        total_spent bigint NOT NULL DEFAULT 0,
        first_order_at timestamptz,
        last_order_at timestamptz,
        median_order_gap interval,
        order_gap_days int GENERATED ALWAYS AS (floor(extract(epoch FROM median_order_gap) / 86400)::int) STORED,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version int NOT NULL DEFAULT 1,
        PRIMARY KEY (tenant_id, customer_no),
        CONSTRAINT customers_customer_id UNIQUE (tenant_id, customer_id)
      );
      -- Of one spelling: without accents, case and the differences between forms of one letter (Unicode TR15, NFKD), nor strokes, which no decomposition takes away. What is ASCII is spared the work.
      CREATE FUNCTION searchable(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
        $fold$SELECT lower(CASE WHEN octet_length(name) = char_length(name) THEN name ELSE
          replace(replace(replace(replace(translate(regexp_replace(normalize(name, NFKD), '[\\u0300-\\u036f]', '', 'g'), 'ŁłØøĐđÐðĦħŦŧı', 'LlOoDdDdHhTti'), 'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae') END)$fold$;
      -- With the number, so that the newest of a city that few are in, or nobody, are found at once.
      CREATE INDEX customers_city ON customers (tenant_id, city, customer_no) WHERE city IS NOT NULL;
      CREATE INDEX customers_loyalty_tier ON customers (tenant_id, loyalty_tier, customer_no) WHERE loyalty_tier IS NOT NULL;
      CREATE INDEX customers_email ON customers (tenant_id, email) WHERE email IS NOT NULL;
      CREATE INDEX customers_phone ON customers (tenant_id, phone) WHERE phone IS NOT NULL;
      CREATE INDEX customers_name ON customers (tenant_id, name_search) WHERE name_search IS NOT NULL;
      CREATE INDEX customers_last_name ON customers (tenant_id, last_name_search) WHERE last_name_search IS NOT NULL;
      -- The ids and numbers that merged duplicates had: callers still say the ids, and messages already sent carry the numbers.
      CREATE TABLE customer_aliases (
        tenant_id int NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        merged_no int NOT NULL,
        customer_no int NOT NULL,
        merged_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, customer_id),
        CONSTRAINT customer_aliases_merged_no UNIQUE (tenant_id, merged_no),
        FOREIGN KEY (tenant_id, customer_no) REFERENCES customers ON DELETE CASCADE
      );
      CREATE INDEX customer_aliases_customer ON customer_aliases (tenant_id, customer_no);
      CREATE TABLE consent_log (
        tenant_id int NOT NULL REFERENCES tenants,
        id bigint GENERATED ALWAYS AS IDENTITY,
        customer_no int NOT NULL,
        channel text NOT NULL,
        status text NOT NULL,
        source text,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
      );
      CREATE INDEX consent_log_customer ON consent_log (tenant_id, customer_no);
      CREATE TABLE suppressions (
        tenant_id int NOT NULL REFERENCES tenants,
        channel text NOT NULL,
        address_hash bytea NOT NULL,
        reason text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, channel, address_hash)
      );
      -- When opt-outs of an address that was no customer's were taken back.
      CREATE TABLE suppression_lifts (
        tenant_id int NOT NULL REFERENCES tenants,
        channel text NOT NULL,
        address_hash bytea NOT NULL,
        lifted_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, channel, address_hash)
      );
      -- No foreign key: a queue is filled a million rows at a time, and names customers that are there.
      CREATE TABLE changed_customers (
        tenant_id int NOT NULL,
        change_no bigint GENERATED ALWAYS AS IDENTITY,
        customer_no int NOT NULL,
        PRIMARY KEY (tenant_id, change_no)
      );
      CREATE TABLE imports (
        tenant_id int NOT NULL REFERENCES tenants,
        import_no int GENERATED ALWAYS AS IDENTITY,
        import_id text NOT NULL,
        status text NOT NULL CHECK (status IN ('receiving', 'queued', 'running', 'completed', 'failed', 'canceled')),
        target text,
        target_ref text,
        header text[] NOT NULL,
        columns text[] NOT NULL,
        encoding text,
        dry_run boolean NOT NULL DEFAULT false,
        total_rows int NOT NULL DEFAULT 0,
        processed int NOT NULL DEFAULT 0,
        created int NOT NULL DEFAULT 0,
        updated int NOT NULL DEFAULT 0,
        rejected int NOT NULL DEFAULT 0,
        failures int NOT NULL DEFAULT 0,
        begun_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        PRIMARY KEY (tenant_id, import_no),
        CONSTRAINT imports_import_id UNIQUE (tenant_id, import_id)
      );
      CREATE TABLE import_chunks (
        tenant_id int NOT NULL,
        import_no int NOT NULL,
        chunk_no int NOT NULL,
        rows text STORAGE EXTERNAL NOT NULL,
        PRIMARY KEY (tenant_id, import_no, chunk_no),
        FOREIGN KEY (tenant_id, import_no) REFERENCES imports ON DELETE CASCADE
      );
      CREATE TABLE import_rejected (
        tenant_id int NOT NULL,
        import_no int NOT NULL,
        chunk_no int NOT NULL,
        rows text NOT NULL,
        PRIMARY KEY (tenant_id, import_no, chunk_no),
        FOREIGN KEY (tenant_id, import_no) REFERENCES imports ON DELETE CASCADE
      );
      CREATE TABLE import_seen (
        tenant_id int NOT NULL,
        import_no int NOT NULL,
        id_hash bigint NOT NULL,
        email_hash bigint,
        PRIMARY KEY (tenant_id, import_no, id_hash),
        FOREIGN KEY (tenant_id, import_no) REFERENCES imports ON DELETE CASCADE
      );
      CREATE INDEX import_seen_email ON import_seen (tenant_id, import_no, email_hash) WHERE email_hash IS NOT NULL;
      CREATE TABLE erased_names (
        tenant_id int NOT NULL REFERENCES tenants,
        erased_at timestamptz NOT NULL,
        name_hash bytea NOT NULL,
        PRIMARY KEY (tenant_id, erased_at, name_hash)
      );
      -- The addresses that customers had until lately.
      CREATE TABLE former_names (
        tenant_id int NOT NULL,
        customer_no int NOT NULL,
        name_hash bytea NOT NULL,
        left_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, customer_no, name_hash),
        FOREIGN KEY (tenant_id, customer_no) REFERENCES customers ON DELETE CASCADE
      );
      CREATE INDEX erased_names_hash ON erased_names (tenant_id, name_hash);
      CREATE TABLE import_errors (
        tenant_id int NOT NULL,
        import_no int NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        line int NOT NULL,
        "column" text,
        code text NOT NULL,
        detail text NOT NULL,
        PRIMARY KEY (tenant_id, import_no, id),
        FOREIGN KEY (tenant_id, import_no) REFERENCES imports ON DELETE CASCADE
      );`);
    for (const table of ['customer_ordinals', 'customers', 'customer_aliases', 'suppressions', 'suppression_lifts', 'changed_customers', 'imports', 'import_chunks', 'import_rejected', 'import_seen', 'import_errors', 'erased_names', 'former_names']) await tenantTable(runner, table);
    await tenantTable(runner, 'consent_log', 'SELECT, INSERT');
    // The log only grows, but for these two: a person's erasure, and duplicates that turn out to be one person.
    await runner.query(`
      CREATE FUNCTION erase_consents(erased int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS
        'DELETE FROM consent_log WHERE tenant_id = app_tenant() AND customer_no = erased';
      CREATE FUNCTION merge_consents(merged int, survivor int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS
        'UPDATE consent_log SET customer_no = survivor WHERE tenant_id = app_tenant() AND customer_no = merged';
      REVOKE ALL ON FUNCTION erase_consents(int), merge_consents(int, int) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION erase_consents(int), merge_consents(int, int) TO ${APP_ROLE};`);
    await countedTable(runner, 'customers');
    // For imports: autovacuum looks once a minute, and only after a tenth of the table has changed.
    await runner.query(`
      CREATE FUNCTION analyze_customers() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'ANALYZE (SKIP_LOCKED) customers';
      REVOKE ALL ON FUNCTION analyze_customers() FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION analyze_customers() TO ${APP_ROLE};`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE former_names, erased_names, import_errors, import_seen, import_rejected, import_chunks, imports, changed_customers, suppression_lifts, suppressions, consent_log, customer_aliases, customers, customer_ordinals;
      DROP FUNCTION count_customers_insert, count_customers_delete, searchable, erase_consents, merge_consents, analyze_customers;`);
  }
}

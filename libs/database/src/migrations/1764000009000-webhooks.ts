import type { MigrationInterface, QueryRunner } from 'typeorm';
import { sharedTable, tenantTable } from '../tenant-table.js';

/** Connections of webhook providers and the inbox of what they sent. */
export class Webhooks1764000009000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- A post names its connection before anybody knows the tenant, so this has no tenant's security.
      CREATE TABLE webhook_directory (
        connection_id text PRIMARY KEY,
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL
      );
      CREATE TABLE webhook_connections (
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL CHECK (provider IN ('sendgrid', 'twilio', 'mailchimp', 'hubspot')),
        connection_id text NOT NULL,
        -- Counts what it has been: posts are kept only where the secrets that verified them are those of now.
        version int NOT NULL DEFAULT 1,
        scheme text NOT NULL,
        tolerance_seconds int,
        -- HubSpot's, sealed.
        api_token bytea,
        -- Not to be asked before, by its own word (Retry-After).
        api_held_until timestamptz,
        failed_verifications bigint NOT NULL DEFAULT 0,
        -- Since the last post that was verified, as far as a failure knew of it.
        failures_in_a_row bigint NOT NULL DEFAULT 0,
        last_failed_at timestamptz,
        last_failure text,
        -- When the provider last showed the secret without posting events.
        checked_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, provider)
      );
      CREATE TABLE webhook_secrets (
        tenant_id int NOT NULL,
        provider text NOT NULL,
        secret_no bigint GENERATED ALWAYS AS IDENTITY,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        valid_until timestamptz,
        PRIMARY KEY (tenant_id, provider, secret_no),
        FOREIGN KEY (tenant_id, provider) REFERENCES webhook_connections ON DELETE CASCADE
      );
      -- Sixteen shards by backend: writers of one tenant do not wait for each other's commit.
      CREATE TABLE webhook_totals (
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL,
        shard int NOT NULL,
        events_received bigint NOT NULL,
        last_event timestamptz,
        -- By the tenant's own connection; repetitions count.
        last_verified timestamptz,
        PRIMARY KEY (tenant_id, provider, shard)
      );
      CREATE TABLE webhook_bodies (
        tenant_id int NOT NULL,
        id text NOT NULL,
        provider text NOT NULL,
        format text NOT NULL,
        body bytea NOT NULL,
        -- Not as it came, but a JSON list of its items: of several tenants' each has its own, and what was of a person who was erased is null.
        taken_apart boolean NOT NULL DEFAULT false,
        query text,
        -- The time that is in the signature.
        signed_at timestamptz,
        received_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
      );
      CREATE TABLE webhook_events (
        tenant_id int NOT NULL,
        provider text NOT NULL,
        id text NOT NULL,
        body_id text NOT NULL,
        item_no int NOT NULL,
        type text,
        dedup_key bytea NOT NULL,
        -- Ids and addresses of those it names, as keyed hashes.
        persons text[] NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'processed', 'duplicate', 'unmatched', 'failed')),
        reason text,
        attempts int NOT NULL DEFAULT 0,
        -- While pending: not to be tried again before.
        due_at timestamptz,
        received_at timestamptz NOT NULL,
        processed_at timestamptz,
        PRIMARY KEY (tenant_id, provider, id)
      );
      -- Who a provider's contact is here, whatever their addresses are by now.
      CREATE TABLE webhook_contacts (
        tenant_id int NOT NULL,
        provider text NOT NULL,
        contact_id text COLLATE "C" NOT NULL,
        customer_no int NOT NULL,
        PRIMARY KEY (tenant_id, provider, contact_id),
        FOREIGN KEY (tenant_id, customer_no) REFERENCES customers ON DELETE CASCADE
      );
      CREATE INDEX webhook_contacts_customer ON webhook_contacts (tenant_id, customer_no);
      -- As of when providers last told what of a customer.
      CREATE TABLE webhook_profiles (
        tenant_id int NOT NULL,
        customer_no int NOT NULL,
        email_at timestamptz,
        phone_at timestamptz,
        first_name_at timestamptz,
        last_name_at timestamptz,
        PRIMARY KEY (tenant_id, customer_no),
        FOREIGN KEY (tenant_id, customer_no) REFERENCES customers ON DELETE CASCADE
      );
      CREATE UNIQUE INDEX webhook_events_once ON webhook_events (tenant_id, provider, dedup_key) WHERE status <> 'duplicate';
      CREATE INDEX webhook_events_pending ON webhook_events (tenant_id, id) WHERE status = 'pending';
      CREATE INDEX webhook_events_unsettled ON webhook_events (tenant_id, provider, status, id) WHERE status IN ('duplicate', 'unmatched', 'failed');`);
    await sharedTable(runner, 'webhook_directory', 'SELECT, INSERT, DELETE');
    for (const table of ['webhook_connections', 'webhook_secrets', 'webhook_totals', 'webhook_bodies', 'webhook_events', 'webhook_contacts', 'webhook_profiles']) await tenantTable(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_profiles, webhook_contacts, webhook_events, webhook_bodies, webhook_totals, webhook_secrets, webhook_connections, webhook_directory');
  }
}

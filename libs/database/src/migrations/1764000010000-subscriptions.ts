import type { MigrationInterface, QueryRunner } from 'typeorm';
import { sharedTable, tenantTable } from '../tenant-table.js';

/** Whom tenants' own systems told us to tell of what happens, and what was told. */
export class Subscriptions1764000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE event_subscriptions (
        tenant_id int NOT NULL REFERENCES tenants,
        subscription_id text NOT NULL,
        url text NOT NULL,
        events text[] NOT NULL,
        active boolean NOT NULL,
        disabled_code text,
        disabled_at timestamptz,
        failing_since timestamptz,
        version int NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, subscription_id)
      );
      CREATE TABLE event_subscription_secrets (
        tenant_id int NOT NULL,
        subscription_id text NOT NULL,
        secret_no bigint GENERATED ALWAYS AS IDENTITY,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        valid_until timestamptz,
        PRIMARY KEY (tenant_id, subscription_id, secret_no),
        FOREIGN KEY (tenant_id, subscription_id) REFERENCES event_subscriptions ON DELETE CASCADE
      );
      -- No row-level security: a worker asks whose messages are due before it knows the tenant.
      CREATE TABLE event_subscription_lanes (
        tenant_id int NOT NULL,
        subscription_id text NOT NULL,
        failing boolean NOT NULL DEFAULT false,
        due_at timestamptz NOT NULL DEFAULT 'infinity',
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        session_no int, -- of the worker that has it
        held_until timestamptz NOT NULL DEFAULT '-infinity',
        PRIMARY KEY (tenant_id, subscription_id),
        FOREIGN KEY (tenant_id, subscription_id) REFERENCES event_subscriptions ON DELETE CASCADE
      );
      CREATE INDEX event_subscription_lanes_due ON event_subscription_lanes (failing, due_at) WHERE due_at < 'infinity';
      -- People are kept by their numbers, at the place that they have in the list of the data, and named when a message leaves.
      CREATE TABLE outgoing_messages (
        tenant_id int NOT NULL REFERENCES tenants,
        message_id text NOT NULL,
        type text NOT NULL,
        occurred_at timestamptz NOT NULL,
        data json NOT NULL,
        customer_nos int[] NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, message_id)
      );
      CREATE INDEX outgoing_messages_created ON outgoing_messages (tenant_id, created_at);
      CREATE TABLE outgoing_deliveries (
        tenant_id int NOT NULL,
        message_id text NOT NULL,
        subscription_id text NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
        tries int NOT NULL DEFAULT 0,
        next_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, message_id, subscription_id),
        FOREIGN KEY (tenant_id, message_id) REFERENCES outgoing_messages ON DELETE CASCADE,
        FOREIGN KEY (tenant_id, subscription_id) REFERENCES event_subscriptions ON DELETE CASCADE
      );
      CREATE INDEX outgoing_deliveries_pending ON outgoing_deliveries (tenant_id, subscription_id, next_at) WHERE status = 'pending';
      CREATE TABLE outgoing_attempts (
        tenant_id int NOT NULL,
        attempt_id text NOT NULL,
        message_id text NOT NULL,
        subscription_id text NOT NULL,
        status_code int,
        error text,
        duration_ms int NOT NULL,
        answer text,
        attempted_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, attempt_id),
        FOREIGN KEY (tenant_id, message_id, subscription_id) REFERENCES outgoing_deliveries ON DELETE CASCADE
      );
      CREATE INDEX outgoing_attempts_log ON outgoing_attempts (tenant_id, subscription_id, attempt_id);
      CREATE INDEX outgoing_attempts_message ON outgoing_attempts (tenant_id, message_id, subscription_id);`);
    await sharedTable(runner, 'event_subscription_lanes');
    for (const table of TABLES) await tenantTable(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE event_subscription_lanes, ${[...TABLES].reverse().join(', ')}`);
  }
}

const TABLES = ['event_subscriptions', 'event_subscription_secrets', 'outgoing_messages', 'outgoing_deliveries', 'outgoing_attempts'];

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE } from '../connection-options.js';
import { sharedTable, tenantTable } from '../tenant-table.js';

const PARTS = 8;

/** Started campaigns, the recipient ledger with its counters, tracking, and the orders a campaign brought. */
export class Delivery1764000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No row-level security: a provider's event may name the campaign alone or nothing but a phone, and the sender asks whose mail is due.
    await runner.query(`
      CREATE TABLE campaign_directory (
        campaign_id text PRIMARY KEY,
        tenant_id int NOT NULL REFERENCES tenants,
        campaign_no int NOT NULL,
        sending boolean NOT NULL DEFAULT false,
        UNIQUE (tenant_id, campaign_no)
      );
      CREATE INDEX campaign_directory_sending ON campaign_directory (tenant_id, campaign_no) WHERE sending;
      -- Who wrote to which phone number over the operator's account: of what somebody answers to it, no tenant is told.
      CREATE TABLE number_directory (
        number_hash bytea NOT NULL,
        tenant_id int NOT NULL REFERENCES tenants,
        PRIMARY KEY (number_hash, tenant_id)
      );
      -- Never sent, and gone: the criteria of segments may still name them, and nobody received them.
      CREATE TABLE deleted_campaigns (
        tenant_id int NOT NULL REFERENCES tenants,
        campaign_id text NOT NULL,
        PRIMARY KEY (tenant_id, campaign_id)
      );
      CREATE TABLE mailings (
        tenant_id int NOT NULL REFERENCES tenants,
        campaign_no int NOT NULL,
        campaign_id text NOT NULL,
        name text NOT NULL,
        type text NOT NULL,
        channels text[] NOT NULL,
        segment_no int NOT NULL,
        content jsonb NOT NULL,
        promo_id text,
        promo_code text,
        priority int NOT NULL,
        options jsonb NOT NULL DEFAULT '{}',
        forgiven jsonb,
        ab_test jsonb,
        claims_from timestamptz NOT NULL DEFAULT '-infinity',
        state text NOT NULL CHECK (state IN ('running', 'paused', 'canceled', 'finished')),
        snapshot_after int NOT NULL DEFAULT 0,
        snapshot_done boolean NOT NULL DEFAULT false,
        started_at timestamptz NOT NULL,
        ends_at timestamptz,
        finished_at timestamptz,
        PRIMARY KEY (tenant_id, campaign_no),
        CONSTRAINT mailings_campaign_id UNIQUE (tenant_id, campaign_id)
      );
      CREATE INDEX mailings_promo ON mailings (tenant_id, promo_id, started_at) WHERE promo_id IS NOT NULL;
      CREATE TABLE mailing_links (
        tenant_id int NOT NULL,
        campaign_no int NOT NULL,
        link_no int NOT NULL,
        url text NOT NULL,
        PRIMARY KEY (tenant_id, campaign_no, link_no)
      );
      CREATE TABLE mailing_counters (
        tenant_id int NOT NULL,
        campaign_no int NOT NULL,
        sent bigint NOT NULL DEFAULT 0,
        delivered bigint NOT NULL DEFAULT 0,
        opened bigint NOT NULL DEFAULT 0,
        clicked bigint NOT NULL DEFAULT 0,
        converted bigint NOT NULL DEFAULT 0,
        revenue bigint NOT NULL DEFAULT 0,
        unsubscribed bigint NOT NULL DEFAULT 0,
        bounced bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        complained bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        unknown bigint NOT NULL DEFAULT 0,
        machine_opened bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant_id, campaign_no)
      ) WITH (fillfactor = 50);`);

    await runner.query(`
      CREATE TABLE deliveries (
        tenant_id int NOT NULL,
        campaign_no int NOT NULL,
        customer_no int NOT NULL,
        channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'claimed', 'calling', 'accepted', 'rejected', 'unknown', 'skipped')),
        reason text,
        attempts smallint NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        lease_until timestamptz,
        held_by int,
        provider text,
        provider_message_id text,
        receiver text, -- who may have it already, and takes it once: it may go to them again, and to nobody else
        variant text,
        admitted_at timestamptz, -- when they first passed all that who is written to must pass: from then on their orders count for lift, as those of who is held out instead do
        held_out_at timestamptz,
        called_at timestamptz,
        accepted_at timestamptz,
        delivered_at timestamptz,
        opened_at timestamptz,
        machine_opened_at timestamptz,
        clicked_at timestamptz,
        bounced_at timestamptz,
        failed_at timestamptz,
        complained_at timestamptz,
        unsubscribed_at timestamptz,
        converted_at timestamptz,
        PRIMARY KEY (tenant_id, campaign_no, customer_no, channel)
      ) PARTITION BY HASH (tenant_id, campaign_no);
      CREATE INDEX deliveries_due ON deliveries (tenant_id, campaign_no, channel, next_attempt_at) WHERE status = 'pending';
      CREATE INDEX deliveries_leased ON deliveries (tenant_id, campaign_no, lease_until) WHERE status IN ('claimed', 'calling');
      CREATE INDEX deliveries_amiss ON deliveries (tenant_id, campaign_no, status, customer_no, channel) WHERE status IN ('rejected', 'unknown', 'skipped');
      CREATE INDEX deliveries_customer ON deliveries (tenant_id, customer_no);
      CREATE INDEX deliveries_provider_message ON deliveries (tenant_id, provider_message_id) WHERE provider <> 'smtp';
      CREATE TABLE mailing_addresses (
        tenant_id int NOT NULL,
        campaign_no int NOT NULL,
        channel text NOT NULL,
        address_hash bytea NOT NULL,
        customer_no int NOT NULL,
        PRIMARY KEY (tenant_id, campaign_no, channel, address_hash)
      ) PARTITION BY HASH (tenant_id, campaign_no);
      CREATE INDEX mailing_addresses_customer ON mailing_addresses (tenant_id, campaign_no, customer_no);
      CREATE TABLE delivery_hits (
        tenant_id int NOT NULL,
        customer_no int NOT NULL,
        at timestamptz NOT NULL,
        campaign_no int NOT NULL,
        channel text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('open', 'click')),
        link_no int NOT NULL,
        machine boolean NOT NULL,
        PRIMARY KEY (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
      ) PARTITION BY HASH (tenant_id, customer_no);
      CREATE INDEX delivery_hits_clicks ON delivery_hits (tenant_id, campaign_no, link_no, machine, customer_no) WHERE kind = 'click';`);
    await runner.query(`
      CREATE SEQUENCE channel_version AS int;
      GRANT USAGE ON SEQUENCE channel_version TO ${APP_ROLE};
      CREATE TABLE channel_credentials (
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL,
        sealed bytea NOT NULL,
        max_per_second int,
        version int NOT NULL,
        connected_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, provider)
      );
      -- Which webhook connection a tenant's own provider reports to.
      CREATE TABLE channel_reports (
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL,
        connection text NOT NULL,
        PRIMARY KEY (tenant_id, provider)
      );
      CREATE TABLE channel_rates (
        tenant_id int NOT NULL REFERENCES tenants,
        provider text NOT NULL,
        grants jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (tenant_id, provider)
      ) WITH (fillfactor = 50);`);
    // Where two customers who were merged had both got a message: the merged one's row as it was, under the survivor's number.
    await runner.query(`
      CREATE TABLE merged_deliveries (LIKE deliveries);
      CREATE INDEX merged_deliveries_customer ON merged_deliveries (tenant_id, customer_no);`);
    for (const table of ['deliveries', 'mailing_addresses', 'delivery_hits']) {
      for (let part = 0; part < PARTS; part++) {
        await runner.query(`CREATE TABLE ${table}_${part} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${PARTS}, REMAINDER ${part})`);
      }
    }

    // customer_no 0 is nobody: a code redeemed without saying by whom.
    await runner.query(`
      CREATE TABLE conversions (
        tenant_id int NOT NULL REFERENCES tenants,
        order_id text NOT NULL,
        campaign_no int NOT NULL,
        customer_no int NOT NULL,
        model text NOT NULL CHECK (model IN ('promo_code', 'click', 'open')),
        gross bigint NOT NULL,
        amount bigint NOT NULL,
        occurred_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, order_id)
      );
      CREATE INDEX conversions_campaign ON conversions (tenant_id, campaign_no, customer_no);
      CREATE INDEX conversions_customer ON conversions (tenant_id, customer_no);
      CREATE TABLE campaign_redemptions (
        tenant_id int NOT NULL REFERENCES tenants,
        redemption_id text NOT NULL,
        order_id text NOT NULL,
        promo_id text NOT NULL,
        customer_no int NOT NULL,
        order_total bigint NOT NULL,
        redeemed_at timestamptz NOT NULL,
        rolled_back boolean NOT NULL,
        campaign_no int, -- whose recipient's own code it was
        PRIMARY KEY (tenant_id, redemption_id)
      );
      CREATE INDEX campaign_redemptions_order ON campaign_redemptions (tenant_id, order_id);
      CREATE INDEX campaign_redemptions_customer ON campaign_redemptions (tenant_id, customer_no);`);
    await sharedTable(runner, 'campaign_directory');
    await sharedTable(runner, 'number_directory', 'SELECT, INSERT, DELETE');
    for (const table of TABLES) await tenantTable(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE ${[...TABLES, 'campaign_directory', 'number_directory'].join(', ')}; DROP SEQUENCE channel_version`);
  }
}

const TABLES = ['deleted_campaigns', 'mailings', 'mailing_links', 'mailing_counters', 'deliveries', 'merged_deliveries', 'mailing_addresses', 'delivery_hits', 'conversions', 'campaign_redemptions', 'channel_credentials', 'channel_reports', 'channel_rates'];

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { countedTable, tenantTable } from '../tenant-table.js';

const CHANNELS = ['email', 'sms', 'push'];

/** Campaigns, newest last; an index for each filter of their list. */
export class Campaigns1764000008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE campaigns (
        tenant_id int NOT NULL REFERENCES tenants,
        campaign_no int GENERATED ALWAYS AS IDENTITY,
        campaign_id text NOT NULL,
        name text NOT NULL,
        type text NOT NULL CHECK (type IN ('onboarding', 'reengagement', 'promotion', 'newsletter', 'transactional', 'loyalty')),
        status text NOT NULL CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'completed')),
        channels text[] NOT NULL CHECK (cardinality(channels) > 0 AND channels <@ ARRAY['email', 'sms', 'push']),
        segment_no int NOT NULL,
        segment_id text NOT NULL,
        segment_name text NOT NULL,
        content jsonb,
        priority int NOT NULL,
        start_at timestamptz,
        end_at timestamptz,
        schedule_version int NOT NULL,
        promo_id text,
        promo_code text,
        promo_discount int CHECK (promo_discount > 0 AND promo_discount <= 10000),
        warnings jsonb NOT NULL,
        started_at timestamptz,
        completed_at timestamptz,
        canceled_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version int NOT NULL,
        CHECK (end_at > start_at),
        PRIMARY KEY (tenant_id, campaign_no),
        CONSTRAINT campaigns_campaign_id UNIQUE (tenant_id, campaign_id)
      );
      CREATE INDEX campaigns_status ON campaigns (tenant_id, status, campaign_no);
      CREATE INDEX campaigns_type ON campaigns (tenant_id, type, campaign_no);
      CREATE INDEX campaigns_segment ON campaigns (tenant_id, segment_no) WHERE status IN ('scheduled', 'active', 'paused');
      CREATE INDEX campaigns_start ON campaigns (tenant_id, start_at);
      ${CHANNELS.map((channel) => `CREATE INDEX campaigns_${channel} ON campaigns (tenant_id, campaign_no) WHERE '${channel}' = ANY (channels);`).join('\n')}`);
    await tenantTable(runner, 'campaigns');
    await countedTable(runner, 'campaigns', ['status', 'type']);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE campaigns; DROP FUNCTION count_campaigns_insert, count_campaigns_delete, count_campaigns_update;`);
  }
}

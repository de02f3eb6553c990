import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, prepared } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { SEGMENT_CHANGED, Segments } from '#segments';

/** The continuous mailings for the segment `$2` that are open at the instant `$3`, locked so that none ends before the rows are added. */
const OPEN = `
  SELECT m.campaign_no, m.promo_id, m.options ? 'unique_promo_codes' AS unique_codes FROM mailings m
    JOIN campaign_directory d ON d.tenant_id = $1 AND d.campaign_no = m.campaign_no AND d.sending
    JOIN segments s ON s.tenant_id = $1 AND s.segment_id = $2 AND s.segment_no = m.segment_no
   WHERE m.tenant_id = $1 AND m.options->>'delivery_mode' = 'continuous' AND m.state IN ('running', 'paused') AND (m.ends_at IS NULL OR m.ends_at > $3)
   ORDER BY m.campaign_no FOR SHARE OF m`;

/** Whether any continuous mailing is running. Asked after it is known who enters, so a mailing that this misses started after they entered. */
const ANY = `
  SELECT 1 FROM campaign_directory d JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = d.campaign_no
   WHERE d.tenant_id = $1 AND d.sending AND m.options->>'delivery_mode' = 'continuous' LIMIT 1`;

/** Adds customers who enter a segment to the ledgers of its continuous mailings: each once, however often they enter and however often the event is delivered. */
@Injectable()
export class Arrivals implements OnModuleInit {
  private readonly insert: string;

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly uniqueCodes: UniqueCodes,
    segments: Segments,
  ) {
    this.insert = `
      INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at)
      SELECT $1, m.campaign_no, c.customer_no, channel, $4
        FROM mailings m CROSS JOIN unnest(m.channels) AS channel JOIN customers c ON c.tenant_id = $1 AND c.customer_no = ANY ($3::int[])
       WHERE m.tenant_id = $1 AND m.campaign_no = ANY ($2::int[])
         AND NOT (m.options ? 'exclude_segment_ids' AND ${segments.inAnySql('c.customer_no', `ARRAY (SELECT jsonb_array_elements_text(m.options->'exclude_segment_ids'))`)})
      ON CONFLICT DO NOTHING RETURNING campaign_no, customer_no`;
  }

  onModuleInit(): void {
    this.jobs.subscribe(SEGMENT_CHANGED, 'delivery', (tenant, { segment_id, entered }) => this.enter(tenant, segment_id, entered), {
      wanted: async (tx, tenant) => (await prepared(tx, { name: 'arrivals_wanted', text: ANY, values: [tenant.id] })).length > 0,
    });
  }

  private async enter(tenant: Tenant, segmentId: string, customerNos: readonly number[]): Promise<void> {
    if (customerNos.length === 0) return;
    await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const open = await tx.query<{ campaign_no: number; promo_id: string; unique_codes: boolean }[]>(OPEN, [tenant.id, segmentId, now]);
      if (open.length === 0) return;
      const written = await tx.query<{ campaign_no: number; customer_no: number }[]>(this.insert, [tenant.id, open.map((mailing) => mailing.campaign_no), customerNos, now]);
      for (const { campaign_no: campaignNo, promo_id: promoId } of open.filter((mailing) => mailing.unique_codes)) {
        const recipients = new Set(written.filter((row) => row.campaign_no === campaignNo).map((row) => row.customer_no));
        await this.uniqueCodes.reserve(tx, tenant, { campaignNo, promoId }, [...recipients]);
      }
    });
  }
}

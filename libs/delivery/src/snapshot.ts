import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { Segments } from '#segments';
import { WAITING } from './ab-test.queries.js';
import type { MailingOptions } from './options.js';
import { placeSql } from './split.js';

/** Writes the audience of a mailing into the ledger. */
export const SNAPSHOT = jobType<{ campaign_no: number }>('delivery-snapshot', { concurrency: 2 });

/** Customers in one transaction. */
const CHUNK = 20_000;

interface Progress {
  campaign_id: string;
  segment_no: number;
  channels: string[];
  snapshot_after: number;
  promo_id: string | null;
  options: MailingOptions;
}

/** Takes the snapshot of an audience, in chunks by customer number. Each commits its progress, so that the job of a lost worker continues where it stopped. */
@Injectable()
export class Snapshot implements OnModuleInit {
  private readonly insertChunk: string;

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly uniqueCodes: UniqueCodes,
    segments: Segments,
  ) {
    this.insertChunk = `
      WITH chunk AS (SELECT customer_no FROM (${segments.membersSql}) member WHERE customer_no > $3 ORDER BY customer_no LIMIT ${CHUNK}),
      written AS (
        INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at, reason)
        SELECT $1, $4, customer_no, channel, CASE WHEN sampled THEN $5::timestamptz ELSE '${WAITING}' END, CASE WHEN NOT sampled THEN 'ab_test' END
          FROM (SELECT customer_no, $8::float8 IS NULL OR ${placeSql('sample', '$9', 'customer_no')} * 100 < $8 AS sampled FROM chunk) chunk CROSS JOIN unnest($6::text[]) AS channel
         WHERE $7::text[] IS NULL OR NOT ${segments.inAnySql('chunk.customer_no', '$7')}
        ON CONFLICT DO NOTHING RETURNING customer_no)
      UPDATE mailings
         SET snapshot_after = coalesce((SELECT max(customer_no) FROM chunk), snapshot_after),
             snapshot_done = (SELECT count(*) FROM chunk) < ${CHUNK}
       WHERE tenant_id = $1 AND campaign_no = $4
      RETURNING snapshot_done, CASE WHEN $10 THEN ARRAY (SELECT DISTINCT customer_no FROM written ORDER BY 1) END AS recipients`;
  }

  onModuleInit(): void {
    this.jobs.handle(SNAPSHOT, (tenant, { campaign_no }, signal) => this.take(tenant, campaign_no, signal));
  }

  /** @throws Error when told to stop in the middle, so that the job is tried again */
  async take(tenant: Tenant, campaignNo: number, signal: AbortSignal): Promise<void> {
    while (!(await this.chunk(tenant, campaignNo))) signal.throwIfAborted();
  }

  /** @returns whether there is no more to do */
  private chunk(tenant: Tenant, campaignNo: number): Promise<boolean> {
    return this.database.inTenant(tenant, async (tx) => {
      const [mailing] = await tx.query<Progress[]>(
        `SELECT campaign_id, segment_no, channels, snapshot_after, promo_id, options FROM mailings
          WHERE tenant_id = $1 AND campaign_no = $2 AND NOT snapshot_done AND state IN ('running', 'paused') FOR UPDATE`,
        [tenant.id, campaignNo],
      );
      if (mailing === undefined) return true;
      const { campaign_id, segment_no, snapshot_after, channels, promo_id: promoId, options } = mailing;
      const sample = options.ab_test?.sample_percent ?? null;
      const values = [tenant.id, segment_no, snapshot_after, campaignNo, this.clock.now(), channels, options.exclude_segment_ids ?? null, sample, campaign_id, options.unique_promo_codes ?? false];
      const [[{ snapshot_done, recipients }]] = await tx.query<[[{ snapshot_done: boolean; recipients: number[] | null }]]>(this.insertChunk, values);
      if (recipients !== null) await this.uniqueCodes.reserve(tx, tenant, { campaignNo, promoId: promoId! }, recipients);
      return snapshot_done;
    });
  }
}

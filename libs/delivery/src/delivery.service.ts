import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import { Clock, type Fault, type Tenant } from '#kernel';
import type { Channel, Settings } from '#tenants';
import { SAMPLE_FROM, WAITING } from './ab-test.queries.js';
import { Channels } from './channels/channels.js';
import { type Content, validateContent } from './content.js';
import { GiveWay } from './give-way.js';
import type { Mailing } from './mailing.js';
import { NumberDirectory } from './number-directory.js';
import { type Unready, Readiness } from './readiness.js';
import type { Receipt, ReceiptResult } from './receipt.js';
import { type OtherConsents, Receipts } from './receipts.js';
import { SNAPSHOT } from './snapshot.js';
import { StopRuling, type UsedUp } from './stop-rules.js';
import { linksOfAll } from './variants.js';
import type { TestState } from './winner.js';

/** What other domains may ask of delivery. A campaign is registered when it is created, and started once. */
@Injectable()
export class Delivery {
  constructor(
    private readonly readiness: Readiness,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly receipts: Receipts,
    private readonly stopRules: StopRuling,
    private readonly channels: Channels,
    private readonly numbers: NumberDirectory,
    private readonly giveWay: GiveWay,
  ) {}

  /** Why nothing of the campaign could be sent now, or null. */
  async hindrance(tx: EntityManager, tenant: Tenant, { channels, promoId, options }: Pick<Mailing, 'channels' | 'promoId' | 'options'>, settings: Settings): Promise<Unready | UsedUp | null> {
    const unready = await this.readiness.hindrance(tx, tenant, channels, settings);
    return unready ?? this.stopRules.promoUsedUp(tx, tenant, promoId, options.stop_rules);
  }

  /** Every fault of the templates and links, and of the size of emails; pointers start at `/content`. */
  validateContent(content: Content, channels: readonly Channel[], until?: number): Fault[] {
    return validateContent(content, channels, until);
  }

  /**
   * SQL that joins the counters of the campaign in `alias` (which has `tenant_id` and `campaign_no`), as `metrics`: one
   * column per {@link Metric}, all NULL before the start. Goes after the FROM of a list.
   */
  metricsSql(alias: string): string {
    return `LEFT JOIN mailing_counters AS metrics ON metrics.tenant_id = ${alias}.tenant_id AND metrics.campaign_no = ${alias}.campaign_no`;
  }

  /** Makes the campaign findable by its id alone; call it in the transaction that creates the campaign. */
  async registerCampaign(tx: EntityManager, tenant: Tenant, campaignId: string, campaignNo: number): Promise<void> {
    await tx.query('INSERT INTO campaign_directory (campaign_id, tenant_id, campaign_no) VALUES ($1, $2, $3)', [campaignId, tenant.id, campaignNo]);
  }

  /** The opposite, for a deleted draft, of which only the id is kept. A campaign that was sent stays findable, since receipts still refer to its messages. */
  async forgetCampaign(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<void> {
    await tx.query(
      `WITH gone AS (
         DELETE FROM campaign_directory WHERE tenant_id = $1 AND campaign_no = $2 AND NOT EXISTS (SELECT 1 FROM mailings WHERE tenant_id = $1 AND campaign_no = $2)
         RETURNING campaign_id)
       INSERT INTO deleted_campaigns (tenant_id, campaign_id) SELECT $1, campaign_id FROM gone`,
      [tenant.id, campaignNo],
    );
  }

  /** The tenants of campaigns named by events that do not name a tenant; unknown campaigns are left out. */
  async tenantsOfCampaigns(tx: EntityManager, campaignIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.query<{ campaign_id: string; tenant_id: number }[]>('SELECT campaign_id, tenant_id FROM campaign_directory WHERE campaign_id = ANY ($1::text[])', [campaignIds]);
    return new Map(rows.map((row) => [row.campaign_id, row.tenant_id]));
  }

  /** Freezes the campaign as a mailing and queues the snapshot of its audience. The caller has checked content, channels and sender. */
  async start(tx: EntityManager, tenant: Tenant, mailing: Mailing): Promise<void> {
    const { campaignNo, campaignId, name, type, channels, segmentNo, content, promoId, promoCode, priority, endsAt, options } = mailing;
    await tx.query(
      `INSERT INTO mailings (tenant_id, campaign_no, campaign_id, name, type, channels, segment_no, content, promo_id, promo_code, priority, ends_at, started_at, options, snapshot_done, ab_test, claims_from, state)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'running')`,
      [tenant.id, campaignNo, campaignId, name, type, channels, segmentNo, JSON.stringify(content), promoId, promoCode, priority, endsAt, this.clock.now(), JSON.stringify(options), options.delivery_mode === 'continuous', options.ab_test ? '{}' : null, options.ab_test ? SAMPLE_FROM : WAITING],
    );
    await tx.query('INSERT INTO mailing_counters (tenant_id, campaign_no) VALUES ($1, $2)', [tenant.id, campaignNo]);
    const urls = linksOfAll(content, options.variants);
    await tx.query('INSERT INTO mailing_links (tenant_id, campaign_no, link_no, url) SELECT $1, $2, link_no - 1, url FROM unnest($3::text[]) WITH ORDINALITY AS l (url, link_no)', [tenant.id, campaignNo, urls]);
    await tx.query(
      `INSERT INTO campaign_directory (campaign_id, tenant_id, campaign_no, sending) VALUES ($1, $2, $3, true)
       ON CONFLICT (campaign_id) DO UPDATE SET sending = true WHERE campaign_directory.tenant_id = $2`,
      [campaignId, tenant.id, campaignNo],
    );
    if (options.delivery_mode !== 'continuous') await this.jobs.enqueue(tx, tenant, SNAPSHOT, { campaign_no: campaignNo });
  }

  /** Once this has committed, nothing more is handed to a provider; running calls are finished. */
  async pause(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<void> {
    await this.move(tx, tenant, campaignNo, 'running', 'paused');
    await this.giveWay.ended(tx, tenant);
  }

  /** Whether the mailing is paused, by a caller or automatically. */
  async isPaused(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<boolean> {
    const paused = await tx.query<unknown[]>(`SELECT 1 FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 AND state = 'paused'`, [tenant.id, campaignNo]);
    return paused.length > 0;
  }

  /** A mailing that one of its rules had stopped goes on, and the rates of its rules are counted from zero. */
  async resume(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<void> {
    await this.stopRules.forgive(tx, tenant, campaignNo);
    await this.move(tx, tenant, campaignNo, 'paused', 'running');
  }

  /** The sender skips whoever has not been sent a message yet, with the reason `canceled`. */
  async cancel(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<void> {
    await tx.query(`UPDATE mailings SET state = 'canceled' WHERE tenant_id = $1 AND campaign_no = $2 AND state IN ('running', 'paused')`, [tenant.id, campaignNo]);
    await this.giveWay.ended(tx, tenant);
  }

  /** Where the campaign's test stands; null before its start, and without one. */
  async testOf(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<TestState | null> {
    const [mailing] = await tx.query<{ ab_test: TestState | null }[]>('SELECT ab_test FROM mailings WHERE tenant_id = $1 AND campaign_no = $2', [tenant.id, campaignNo]);
    return mailing?.ab_test ?? null;
  }

  /** Records what providers and the tracking routes report, in any order and any number of times. */
  recordReceipts(tx: EntityManager, tenant: Tenant, receipts: readonly Receipt[], others?: OtherConsents): Promise<ReceiptResult[]> {
    return this.receipts.record(tx, tenant, receipts, others);
  }

  /** The ids of the tenants that have written to the phone numbers over the operator's account, by the number as it was given. */
  writersTo(tx: EntityManager, numbers: readonly string[]): Promise<Map<string, number[]>> {
    return this.numbers.tenantsOf(tx, numbers);
  }

  /** The token of the tenant's own Twilio account; null when it sends over the operator's, or not at all. */
  async twilioToken(tx: EntityManager, tenant: Tenant): Promise<string | null> {
    return (await this.channels.credentials(tx, tenant, 'twilio'))?.auth_token ?? null;
  }

  /** Makes the tenant's own Twilio account report to this webhook connection; to none with null. */
  async reportTwilioTo(tx: EntityManager, tenant: Tenant, connection: string | null): Promise<void> {
    await this.channels.report(tx, tenant, 'twilio', connection);
  }

  private async move(tx: EntityManager, tenant: Tenant, campaignNo: number, from: string, to: string): Promise<void> {
    await tx.query('UPDATE mailings SET state = $4 WHERE tenant_id = $1 AND campaign_no = $2 AND state = $3', [tenant.id, campaignNo, from, to]);
  }
}

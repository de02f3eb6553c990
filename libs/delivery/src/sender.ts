import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { EntityManager } from 'typeorm';
import type { Channel } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import { counted } from './counters.js';
import { CALL, CANCELABLE, CLAIM, type ClaimedRow, DEFER, FINISH, HOLD, LOST, MAILINGS_AT_WORK, RECOVER, RELEASE, SETTLE, SKIP_CANCELED, TENANTS_AT_WORK } from './ledger.queries.js';
import { MAILING_FINISHED, MAILING_HELD } from './mailing.js';
import { Outcomes } from './outcomes.js';
import { type MailingAtWork, Preparation, type Prepared } from './preparation.js';

/** Rows settled in one transaction without a call. */
const BULK = 2_000;
/** How long a worker may take to decide and compose; after it the rows are anybody's again. */
const CLAIM_LEASE_MS = 60_000;
/** How long a provider may take for a batch; after it the outcome counts as unknown until it comes. */
const CALL_LEASE_MS = 300_000;

/** Rows that this worker holds, and how they are to be sent. */
interface Claim {
  channel: Channel;
  rows: ClaimedRow[];
}

/**
 * Works off the ledger, in every worker process. A round does one thing for each tenant's most urgent mailing, so that
 * no tenant waits for another's million. What a round leaves behind when it dies is in the ledger: a later round takes it up.
 */
@Injectable()
export class Sender implements OnModuleInit {
  private readonly logger = new Logger(Sender.name);

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly channels: Channels,
    private readonly preparation: Preparation,
    private readonly outcomes: Outcomes,
  ) {}

  onModuleInit(): void {
    this.jobs.every(0.5, 'delivery-sender', (signal) => this.round(signal));
  }

  /** @returns whether there is more to do at once */
  async round(signal: AbortSignal): Promise<boolean> {
    const tenants = await this.database.inNoTenant((tx) => tx.query<Tenant[]>(TENANTS_AT_WORK));
    let more = false;
    for (const tenant of tenants) {
      if (signal.aborted) return false;
      try {
        more = (await this.advance(tenant)) || more;
      } catch (error) {
        this.logger.error({ msg: 'sending failed', tenant: tenant.name, err: error }); // the other tenants' mail goes on
      }
    }
    return more;
  }

  private async advance(tenant: Tenant): Promise<boolean> {
    const values = [tenant.id, this.clock.now()];
    const mailings = await this.database.rows<MailingAtWork>(tenant, { text: MAILINGS_AT_WORK, values, name: 'mailings_at_work' });
    for (const mailing of mailings) {
      if (mailing.lost) await this.recover(tenant, mailing);
      if (mailing.settled) await this.finish(tenant, mailing);
      if (mailing.due && mailing.state === 'canceled') return this.skipCanceled(tenant, mailing);
      if (mailing.due && mailing.state === 'running') return this.sendBatch(tenant, mailing);
    }
    return false;
  }

  private async sendBatch(tenant: Tenant, mailing: MailingAtWork): Promise<boolean> {
    const claims = await this.claim(tenant, mailing);
    let reached = claims.length > 0;
    for (const { channel, rows } of claims) {
      const called = await this.prepare(tenant, mailing, channel, rows);
      if (called.length === 0) continue;
      const results = await channel.send(called.map(({ message }) => message));
      await this.outcomes.record(tenant, mailing.campaign_no, called.map(({ row }) => row), results);
      const barred = results.find((result) => result.status === 'barred');
      if (barred !== undefined) await this.database.inTenant(tenant, (tx) => this.hold(tx, tenant, mailing, { code: 'channel_refused', detail: `${channel.provider} does not take our calls (${barred.reason}): its credentials may have changed.` }));
      reached &&= results.some((result) => result.status !== 'barred' && (result.status !== 'retry' || result.reached));
    }
    return reached;
  }

  /** Takes what is due; of a mailing that cannot go on nothing, and nothing is lost. */
  private claim(tenant: Tenant, mailing: MailingAtWork): Promise<Claim[]> {
    const now = this.clock.now();
    const lease = new Date(now.getTime() + CLAIM_LEASE_MS);
    return this.database.inTenant(tenant, async (tx) => {
      const hindrance = await this.preparation.hindrance(tx, tenant, mailing);
      if (hindrance !== null) {
        await this.hold(tx, tenant, mailing, hindrance);
        return [];
      }
      const channels = await this.channels.of(tx, tenant);
      const claims: Claim[] = [];
      for (const name of mailing.channels) {
        const channel = channels.get(name)!;
        const [rows] = await tx.query<[ClaimedRow[]]>(CLAIM, [tenant.id, mailing.campaign_no, now, lease, channel.batch, name]);
        if (rows.length > 0) claims.push({ channel, rows });
      }
      return claims;
    });
  }

  private async hold(tx: EntityManager, tenant: Tenant, { campaign_no }: MailingAtWork, { code, detail }: { code: string; detail: string }): Promise<void> {
    const [[held]] = await tx.query<[{ campaign_id: string }[]]>(HOLD, [tenant.id, campaign_no]);
    if (held !== undefined) await this.jobs.publish(tx, tenant, MAILING_HELD, { campaign_id: held.campaign_id, code, detail });
  }

  /** Decides, composes, and commits `calling` before anything leaves. @returns what is to be sent now */
  private prepare(tenant: Tenant, mailing: MailingAtWork, { channel, provider }: Channel, rows: ClaimedRow[]): Promise<Prepared['messages']> {
    const campaign = mailing.campaign_no;
    return this.database.inTenant(tenant, async (tx) => {
      // A pause or cancel waits for this transaction, and whoever comes after it finds the mailing paused.
      const [{ state } = { state: 'canceled' }] = await tx.query<{ state: string }[]>('SELECT state FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 FOR SHARE', [tenant.id, campaign]);
      const prepared = state === 'running' ? await this.preparation.prepare(tx, tenant, mailing, channel, rows) : null;
      if (prepared === null) {
        await tx.query(RELEASE, [tenant.id, campaign, ...named(rows)]);
        return [];
      }
      const { messages, settled, postponed, deferred } = prepared;
      if (postponed.length > 0) await tx.query(RELEASE, [tenant.id, campaign, ...named(postponed)]);
      if (deferred.length > 0) await tx.query(DEFER, [tenant.id, campaign, ...named(deferred.map(({ row }) => row)), deferred.map((one) => one.reason), deferred.map((one) => one.until)]);
      if (settled.length > 0) {
        const ended = settled.map(({ row }) => row);
        await counted(tx, tenant, touched(campaign, ended), () =>
          tx.query(SETTLE, [tenant.id, campaign, ...named(ended), settled.map((one) => one.status), settled.map((one) => one.reason)]),
        );
      }
      const lease = new Date(this.clock.now().getTime() + CALL_LEASE_MS);
      const [calling] = await tx.query<[ClaimedRow[]]>(CALL, [tenant.id, campaign, ...named(messages.map(({ row }) => row)), lease, provider]);
      const held = new Set(calling.map((row) => row.customer_no));
      return messages.filter(({ row }) => held.has(row.customer_no));
    });
  }

  private recover(tenant: Tenant, mailing: MailingAtWork): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const rows = await tx.query<ClaimedRow[]>(LOST, [tenant.id, mailing.campaign_no, this.clock.now(), BULK]);
      await counted(tx, tenant, touched(mailing.campaign_no, rows), () => tx.query(RECOVER, [tenant.id, mailing.campaign_no, ...named(rows)]));
    });
  }

  private skipCanceled(tenant: Tenant, mailing: MailingAtWork): Promise<boolean> {
    return this.database.inTenant(tenant, async (tx) => {
      const rows = await tx.query<ClaimedRow[]>(CANCELABLE, [tenant.id, mailing.campaign_no, BULK]);
      await counted(tx, tenant, touched(mailing.campaign_no, rows), () => tx.query(SKIP_CANCELED, [tenant.id, mailing.campaign_no, ...named(rows)]));
      return true;
    });
  }

  private async finish(tenant: Tenant, mailing: MailingAtWork): Promise<void> {
    const now = this.clock.now();
    const over = mailing.state === 'canceled' || (mailing.state === 'running' && mailing.snapshot_done && (mailing.ends_at === null || mailing.ends_at <= now));
    if (!over) return;
    await this.database.inTenant(tenant, async (tx) => {
      const [[finished]] = await tx.query<[{ state: string }[]]>(FINISH, [tenant.id, mailing.campaign_no, now]);
      if (finished === undefined) return;
      await tx.query('UPDATE campaign_directory SET sending = false WHERE tenant_id = $1 AND campaign_no = $2', [tenant.id, mailing.campaign_no]);
      if (finished.state === 'finished') await this.jobs.publish(tx, tenant, MAILING_FINISHED, { campaign_no: mailing.campaign_no, campaign_id: mailing.campaign_id });
    });
  }
}

const named = (rows: readonly ClaimedRow[]): [number[], string[]] => [rows.map((row) => row.customer_no), rows.map((row) => row.channel)];

const touched = (campaignNo: number, rows: readonly ClaimedRow[]) => ({ campaignNos: rows.map(() => campaignNo), customerNos: rows.map((row) => row.customer_no) });

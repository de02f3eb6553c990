import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, isUnreachable } from '#database';
import { Clock, type Tenant } from '#kernel';
import type { Channel as ChannelName } from '#tenants';
import type { Channel } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import { Paces } from './channels/paces.js';
import { counted } from './counters.js';
import { CALL, CLAIM, type ClaimedRow, DEFER, named, RELEASE, SETTLE, touched } from './ledger.queries.js';
import { type Called, Outcomes } from './outcomes.js';
import { type MailingAtWork, Preparation, type Prepared } from './preparation.js';
import { SenderSession } from './sender-session.js';
import { Stops } from './stops.js';

/** How long a worker may take to decide and compose; after it the rows are anybody's again. */
const CLAIM_LEASE_MS = 60_000;
/** How long a provider may take for a batch; after it the outcome counts as unknown until it comes. */
const CALL_LEASE_MS = 300_000;

/** Rows that this worker holds, and how they are to be sent. */
interface Claim {
  channel: Channel;
  rows: ClaimedRow[];
}

/** What the lane is to do next. */
export interface Progress {
  /** Whether there may be more to send at once, or after the wait. */
  more: boolean;
  waitMs: number;
}

const NO_MORE: Progress = { more: false, waitMs: 0 };

/** Sends a batch: claims rows, decides and composes, commits that they are being called, calls, and writes down what was heard. */
@Injectable()
export class Batches {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly channels: Channels,
    private readonly paces: Paces,
    private readonly preparation: Preparation,
    private readonly outcomes: Outcomes,
    private readonly stops: Stops,
    private readonly session: SenderSession,
  ) {}

  async send(tenant: Tenant, mailing: MailingAtWork, name: ChannelName): Promise<Progress> {
    const claim = await this.claim(tenant, mailing, name);
    if (!('channel' in claim)) return claim;
    const { channel, rows } = claim;
    const called = await this.prepare(tenant, mailing, channel, rows).catch(async (error: unknown) => {
      if (isUnreachable(error)) await this.outcomes.giveBack(tenant, mailing.campaign_no, rows);
      throw error;
    });
    if (called.length === 0) return { more: true, waitMs: 0 };
    const outcomes = await channel.send(called.map(({ message }) => message));
    this.paces.heard(tenant, channel, outcomes);
    await this.outcomes.record(tenant, mailing.campaign_no, called, outcomes);
    const barred = outcomes.find(({ status }) => status === 'barred');
    if (barred === undefined) return { more: true, waitMs: 0 };
    const detail = `${channel.provider} does not take our calls (${'reason' in barred ? barred.reason : ''}): its credentials may have changed.`;
    await this.database.inTenant(tenant, (tx) => this.stops.hold(tx, tenant, mailing, { code: 'channel_refused', detail }));
    return NO_MORE;
  }

  /** Takes what is due; of a mailing that cannot go on nothing, and nothing is lost. */
  private claim(tenant: Tenant, mailing: MailingAtWork, name: ChannelName): Promise<Claim | Progress> {
    const now = this.clock.now();
    return this.database.inTenant(tenant, async (tx) => {
      const hindrance = await this.stops.hindrance(tx, tenant, mailing);
      if (hindrance !== null) {
        await this.stops.hold(tx, tenant, mailing, hindrance);
        return NO_MORE;
      }
      const channel = (await this.channels.of(tx, tenant)).get(name)!;
      const { messages, waitMs } = await this.paces.room(tx, tenant, channel);
      if (messages === 0) return { more: waitMs > 0, waitMs };
      const lease = new Date(now.getTime() + CLAIM_LEASE_MS);
      const [rows] = await tx.query<[ClaimedRow[]]>(CLAIM, [tenant.id, mailing.campaign_no, now, lease, messages, name, this.session.number, mailing.claims_from]);
      return rows.length === 0 ? NO_MORE : { channel, rows };
    });
  }

  /** Decides, composes, and commits `calling` before anything leaves. @returns what is to be sent now */
  private prepare(tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: ClaimedRow[]): Promise<Called[]> {
    const campaign = mailing.campaign_no;
    return this.database.inTenant(tenant, async (tx) => {
      // A pause or cancel waits for this transaction, and whoever comes after it finds the mailing paused.
      const [{ state } = { state: 'canceled' }] = await tx.query<{ state: string }[]>('SELECT state FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 FOR SHARE', [tenant.id, campaign]);
      const prepared = state === 'running' ? await this.preparation.prepare(tx, tenant, mailing, channel.channel, rows) : null;
      if (prepared === null) {
        await tx.query(RELEASE, [tenant.id, campaign, ...named(rows)]);
        return [];
      }
      const { messages, settled, postponed, deferred } = prepared;
      if (deferred.length > 0) await tx.query(DEFER, [tenant.id, campaign, ...named(deferred.map(({ row }) => row)), deferred.map((one) => one.reason), deferred.map((one) => one.until)]);
      if (settled.length > 0) {
        const ended = settled.map(({ row }) => row);
        await counted(tx, tenant, touched(campaign, ended), () =>
          tx.query(SETTLE, [tenant.id, campaign, ...named(ended), settled.map((one) => one.status), settled.map((one) => one.reason), this.clock.now()]),
        );
      }
      const granted = await this.paces.take(tx, tenant, channel, messages.length);
      const released = [...postponed, ...messages.slice(granted).map(({ row }) => row)];
      if (released.length > 0) await tx.query(RELEASE, [tenant.id, campaign, ...named(released)]);
      return this.call(tx, tenant, campaign, channel, messages.slice(0, granted));
    });
  }

  private async call(tx: EntityManager, tenant: Tenant, campaign: number, channel: Channel, messages: Prepared['messages']): Promise<Called[]> {
    const now = this.clock.now();
    const lease = new Date(now.getTime() + CALL_LEASE_MS);
    const held = new Set<number>();
    for (const [provider, some] of Map.groupBy(messages, ({ message }) => channel.providerOf?.(message) ?? channel.provider)) {
      const variants = some.map(({ variant }) => variant);
      const [calling] = await tx.query<[ClaimedRow[]]>(CALL, [tenant.id, campaign, ...named(some.map(({ row }) => row)), lease, provider, this.session.number, variants, now]);
      for (const row of calling) held.add(row.customer_no);
    }
    return messages.filter(({ row }) => held.has(row.customer_no));
  }
}

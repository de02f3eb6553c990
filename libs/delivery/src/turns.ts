import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, prepared as run, together } from '#database';
import { WorkerSession } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { type Channel, goesOver, waysOf } from './channels/channel.js';
import { Paces } from './channels/paces.js';
import { counted } from './counters.js';
import { BY_KEYS, CALL, type ClaimedRow, DEFER, named, RELEASE, RESENT, SETTLE, touched } from './ledger.queries.js';
import { NumberDirectory } from './number-directory.js';
import { type Called, type Heard, Outcomes } from './outcomes.js';
import { type MailingAtWork, Preparation, type Prepared } from './preparation.js';

/** How long a provider may take for a batch; after that the outcome is unknown, until it comes after all. */
const CALL_LEASE_MS = 300_000;

const HELD = 'SELECT state FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 FOR SHARE';

/** The work between two calls of a provider, in one transaction: record the outcomes of the last call, decide about the next rows, and mark those that are sent next. */
@Injectable()
export class Turns {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly paces: Paces,
    private readonly preparation: Preparation,
    private readonly outcomes: Outcomes,
    private readonly session: WorkerSession,
    private readonly numbers: NumberDirectory,
  ) {}

  /**
   * Decides, composes, and commits `calling` before anything leaves.
   *
   * @param rows claimed by this worker
   * @param heard the outcomes of the call before
   * @returns what to send now; null when the mailing must not go on
   */
  take(tenant: Tenant, mailing: MailingAtWork, channel: Channel, rows: readonly ClaimedRow[], heard: Heard | null): Promise<Called[] | null> {
    const campaign = mailing.campaign_no;
    return this.database.inTenant(tenant, async (tx) => {
      // The shared lock makes a pause or cancel wait for this transaction; a turn that comes after it finds the mailing paused.
      const [, [{ state } = { state: 'canceled' }], known] = await together(tx.query(BY_KEYS), run<{ state: string }>(tx, { name: 'mailing_held', text: HELD, values: [tenant.id, campaign] }), this.preparation.look(tx, tenant, rows));
      const prepared = state === 'running' ? await this.preparation.prepare(tx, tenant, mailing, channel.channel, rows.filter((row) => isFor(channel, row)), known) : null;
      // The counters are locked last, since others wait for them.
      const [, called] = await together(heard === null ? null : this.outcomes.write(tx, tenant, campaign, heard), this.move(tx, tenant, campaign, channel, rows, prepared));
      return called;
    });
  }

  /** @returns what to send now; null when nothing was decided and the rows were given back */
  private async move(tx: EntityManager, tenant: Tenant, campaign: number, channel: Channel, rows: readonly ClaimedRow[], prepared: Prepared | null): Promise<Called[] | null> {
    if (prepared === null) {
      await this.release(tx, tenant, campaign, rows);
      return null;
    }
    const { messages, postponed, deferred } = prepared;
    const settled = [...prepared.settled, ...rows.filter((row) => !isFor(channel, row)).map((row) => ({ row, status: 'unknown', reason: 'receiver_changed' }))];
    if (settled.length > 0) {
      const ended = settled.map(({ row }) => row);
      await counted(tx, tenant, touched(campaign, ended), () =>
        tx.query(SETTLE, [tenant.id, campaign, ...named(ended), settled.map((one) => one.status), settled.map((one) => one.reason), this.clock.now()]),
      );
    }
    const called: Called[] = [];
    for (const way of waysOf(channel)) {
      const theirs = messages.filter(({ message }) => goesOver(channel, message, way));
      const allowed = this.paces.allowed(tenant, way, theirs.length);
      const granted = way.perSecond === null ? allowed : await this.paces.take(tx, tenant, way, allowed);
      const left = theirs.slice(granted).map(({ row }) => row);
      if (way === channel) postponed.push(...left);
      else this.paces.later(tenant, way, left.length).forEach((until, at) => deferred.push({ row: left[at]!, reason: 'provider_busy', until }));
      called.push(...(await this.call(tx, tenant, campaign, way, theirs.slice(0, granted))));
    }
    if (postponed.length > 0) await this.release(tx, tenant, campaign, postponed);
    if (deferred.length > 0) await tx.query(DEFER, [tenant.id, campaign, ...named(deferred.map(({ row }) => row)), deferred.map((one) => one.reason), deferred.map((one) => one.until)]);
    return called;
  }

  private async release(tx: EntityManager, tenant: Tenant, campaign: number, rows: readonly ClaimedRow[]): Promise<void> {
    await tx.query(RELEASE, [tenant.id, campaign, ...named(rows)]);
  }

  /** @param channel the one provider that the messages go over, if the channel has several */
  private async call(tx: EntityManager, tenant: Tenant, campaign: number, channel: Channel, messages: Prepared['messages']): Promise<Called[]> {
    const now = this.clock.now();
    const lease = new Date(now.getTime() + CALL_LEASE_MS);
    const held = new Set<number>();
    for (const [variant, some] of Map.groupBy(messages, (one) => one.variant)) {
      const values = [tenant.id, campaign, some.map(({ row }) => row.customer_no), channel.channel, lease, channel.provider, this.session.number, variant, now, channel.receiver ?? null];
      for (const row of await run<{ customer_no: number }>(tx, { name: 'deliveries_call', text: CALL, values })) held.add(row.customer_no);
    }
    const called = messages.filter(({ row }) => held.has(row.customer_no));
    await this.numbers.note(tx, tenant, channel, called.map(({ message }) => message.to));
    return called;
  }
}

/** Whether the channel may send the row: not if another receiver may have the message already. */
const isFor = (channel: Channel, { receiver }: ClaimedRow): boolean => receiver === null || receiver === RESENT || receiver === channel.receiver;

import { Injectable } from '@nestjs/common';
import { Database, isUnreachable, prepared } from '#database';
import { WorkerSession } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { Channel as ChannelName } from '#tenants';
import type { Channel, Outcome } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import { Paces } from './channels/paces.js';
import { BY_KEYS, CLAIM, type ClaimedRow } from './ledger.queries.js';
import { type Heard, Outcomes } from './outcomes.js';
import type { MailingAtWork } from './preparation.js';
import { Stops } from './stops.js';
import { Turns } from './turns.js';

/** How long a worker may take to get to the rows it has claimed; after that, others may claim them. */
const CLAIM_LEASE_MS = 60_000;
/** How long one run keeps claiming, in milliseconds, before a more urgent mailing gets its turn. */
const RUN_MS = 1_000;
/** The largest claim of a run, in batches. Claims grow, because a claim costs the same whatever its size. */
const MOST_BATCHES = 4;

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
const MORE: Progress = { more: true, waitMs: 0 };

/** Rows of a mailing that are being sent, by one hand or several: a hand is a loop that prepares a batch, calls the provider, and starts over. */
interface Run {
  tenant: Tenant;
  mailing: MailingAtWork;
  channel: Channel;
  /** Claimed, and not yet taken by a hand. */
  rows: ClaimedRow[];
  /** How many to claim next. */
  wanted: number;
  /** Nothing more is to be claimed. */
  isLast: boolean;
  /** The hands stop, and rows still unsent are given back. */
  isOver: boolean;
  until: number;
  claiming: Promise<void> | null;
  progress: Progress;
}

/**
 * Sends what is due of a mailing: claims rows, and while one hand waits for the provider, another decides, composes and commits the next
 * batch. All hands together have at most one batch of the channel with the provider. Nothing is decided yet about rows that are merely claimed.
 */
@Injectable()
export class Batches {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly channels: Channels,
    private readonly paces: Paces,
    private readonly turns: Turns,
    private readonly outcomes: Outcomes,
    private readonly stops: Stops,
    private readonly session: WorkerSession,
  ) {}

  async send(tenant: Tenant, mailing: MailingAtWork, name: ChannelName, stopping: AbortSignal): Promise<Progress> {
    const claim = await this.claim(tenant, mailing, name);
    if (!('channel' in claim)) return claim;
    const { channel, rows } = claim;
    const hands = channel.hands ?? 1;
    // One batch only where the pace or a stop rule must be checked before the next, or where the provider answers for the whole batch.
    const isLast = hands === 1 || channel.perSecond !== null || mailing.options.stop_rules !== undefined || rows.length < channel.batch;
    const run: Run = { tenant, mailing, channel, rows, wanted: channel.batch, isLast, isOver: false, until: performance.now() + RUN_MS, claiming: null, progress: MORE };
    const end = (): void => void (run.isOver = true);
    stopping.addEventListener('abort', end);
    const ended = await Promise.allSettled(Array.from({ length: hands }, () => this.work(run, channel.batch / hands)));
    stopping.removeEventListener('abort', end);
    await run.claiming;
    await this.outcomes.giveBack(tenant, mailing.campaign_no, run.rows);
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return run.progress;
  }

  /** One hand: a turn, a call, and so on. */
  private async work(run: Run, size: number): Promise<void> {
    const { tenant, mailing, channel } = run;
    let heard: Heard | null = null;
    let rows: ClaimedRow[] = [];
    try {
      for (rows = await this.next(run, size); rows.length > 0; rows = await this.next(run, size)) {
        const called = await this.turns.take(tenant, mailing, channel, rows, heard);
        rows = [];
        heard = null;
        if (called === null) run.isOver = true;
        if (called === null || called.length === 0) continue;
        const outcomes = await channel.send(called.map(({ message }) => message));
        heard = { called, outcomes };
        this.paces.heard(tenant, channel, called.map(({ message }) => message), outcomes);
        if (this.paces.isShut(tenant, channel)) run.isOver = true;
        const barred = outcomes.find(({ status }) => status === 'barred');
        if (barred === undefined) continue;
        await this.outcomes.record(tenant, mailing.campaign_no, heard); // before anybody hears that the mailing was paused
        heard = null;
        await this.bar(run, barred);
      }
    } catch (error) {
      run.isOver = true;
      if (isUnreachable(error)) run.rows.push(...rows); // none of them was sent: that happens only after the turn is known to be committed
      throw error;
    } finally {
      if (heard !== null) await this.outcomes.record(tenant, mailing.campaign_no, heard); // recording them twice does no harm
    }
  }

  /** The next rows for a hand; none when it is done. More are claimed before the last have been taken. */
  private async next(run: Run, size: number): Promise<ClaimedRow[]> {
    if (run.rows.length === 0 && !run.isOver) await this.claimMore(run);
    if (run.isOver) return [];
    const rows = run.rows.splice(0, size);
    if (run.rows.length < run.channel.batch && run.wanted > run.channel.batch) void this.claimMore(run);
    run.wanted = Math.min(run.wanted + size, run.channel.batch * MOST_BATCHES);
    return rows;
  }

  private claimMore(run: Run): Promise<void> {
    if (run.isLast || performance.now() > run.until) return Promise.resolve();
    const more = async (): Promise<void> => {
      try {
        const claim = await this.claim(run.tenant, run.mailing, run.channel.channel, run.wanted);
        if ('channel' in claim) run.rows.push(...claim.rows);
        run.isLast = !('channel' in claim) || claim.rows.length < run.wanted;
        if (!('channel' in claim)) run.progress = claim;
      } catch {
        run.isLast = true; // the lane looks again
      }
      run.claiming = null;
    };
    return (run.claiming ??= more());
  }

  /** Pauses the mailing because the provider refuses us, whatever the message. */
  private async bar(run: Run, outcome: Outcome): Promise<void> {
    const detail = `${run.channel.provider} does not take our calls (${'reason' in outcome ? outcome.reason : ''}): its credentials may have changed.`;
    run.isOver = true;
    run.progress = NO_MORE;
    await this.database.inTenant(run.tenant, (tx) => this.stops.hold(tx, run.tenant, run.mailing, { code: 'channel_refused', detail }));
  }

  /** Claims what is due. A mailing that cannot go on is paused instead. */
  private claim(tenant: Tenant, mailing: MailingAtWork, name: ChannelName, wanted?: number): Promise<Claim | Progress> {
    const now = this.clock.now();
    return this.database.inTenant(tenant, async (tx) => {
      const hindrance = await this.stops.hindrance(tx, tenant, mailing);
      if (hindrance !== null) {
        await this.stops.hold(tx, tenant, mailing, hindrance);
        return NO_MORE;
      }
      const channel = (await this.channels.of(tx, tenant)).get(name)!;
      const { messages, waitMs } = await this.paces.room(tx, tenant, channel, wanted);
      if (messages === 0) return { more: waitMs > 0, waitMs };
      const lease = new Date(now.getTime() + CLAIM_LEASE_MS);
      const values = [tenant.id, mailing.campaign_no, now, lease, messages, name, this.session.number, mailing.claims_from];
      // If a crash of PostgreSQL loses a claim, nothing has happened: unlike the COMMIT before a call, this one need not wait for the disk.
      const [, rows] = await Promise.all([tx.query(`SET LOCAL synchronous_commit = off; ${BY_KEYS}`), prepared<ClaimedRow>(tx, { name: 'deliveries_claim', text: CLAIM, values })]);
      return rows.length === 0 ? NO_MORE : { channel, rows };
    });
  }
}

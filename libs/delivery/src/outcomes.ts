import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers, type SuppressionReason, Suppressions } from '#customers';
import { Database, isUnreachable, prepared, together } from '#database';
import { WorkerSession } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { Outcome } from './channels/channel.js';
import { counted } from './counters.js';
import { BY_KEYS, type ClaimedRow, MAX_ATTEMPTS, named, RECORD_OUTCOMES, UNCALL } from './ledger.queries.js';
import type { Message } from './message.js';

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** While the provider cannot be reached at all, messages are retried more often: the fault is not theirs. */
const UNREACHED_PAUSE_MS = 30_000;

/** How long PostgreSQL may be unreachable before a provider's answer is given up; the lease of the call ends then as well. */
const PATIENCE_MS = 300_000;
const RETRY_MS = 250;

interface Recorded {
  status: string;
  reason: string | null;
  messageId: string | null;
  nextAttemptAt: Date | null;
  reached: boolean;
  /** Whether the receiver may have it. */
  bound: boolean;
}

/** A row that was handed to the provider, with its message. */
export interface Called {
  row: ClaimedRow;
  message: Message;
}

/** Messages that were handed to a provider, and their outcomes at the same index. */
export interface Heard {
  called: readonly Called[];
  outcomes: readonly Outcome[];
}

interface Closing {
  row: ClaimedRow;
  address: string;
  reason: SuppressionReason;
  /** Where the provider said so, for the consent log. */
  source: string;
}

const closing = (row: ClaimedRow, { to }: Message, outcome: Outcome): Closing[] =>
  outcome.status === 'rejected' && outcome.closes !== undefined ? [{ row, address: to, reason: outcome.closes, source: `provider:${outcome.reason}` }] : [];

/** Records what the provider said about a batch, together with the counters. */
@Injectable()
export class Outcomes {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly customers: Customers,
    private readonly suppressions: Suppressions,
    private readonly session: WorkerSession,
  ) {}

  /**
   * In a transaction of its own. It waits for a PostgreSQL that restarts, because nobody else knows these outcomes, and without them the
   * messages would stay unknown.
   */
  async record(tenant: Tenant, campaignNo: number, heard: Heard): Promise<void> {
    const work = async (tx: EntityManager): Promise<unknown> => together(tx.query(BY_KEYS), this.write(tx, tenant, campaignNo, heard));
    await patiently(() => this.database.inTenant(tenant, work));
  }

  /** Gives back rows that were claimed but not sent, for example because the connection was lost before `calling` was known to be committed. */
  async giveBack(tenant: Tenant, campaignNo: number, rows: readonly ClaimedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await patiently(() => this.database.inTenant(tenant, (tx) => tx.query(UNCALL, [tenant.id, campaignNo, ...named(rows), this.session.numbers])));
  }

  async write(tx: EntityManager, tenant: Tenant, campaignNo: number, { called, outcomes }: Heard): Promise<void> {
    const now = this.clock.now();
    const rows = called.map(({ row }) => row);
    const recorded = rows.map((row, index) => toRecord(outcomes[index]!, row, now));
    const customerNos = rows.map((row) => row.customer_no);
    const values = [
      tenant.id,
      campaignNo,
      customerNos,
      rows.map((row) => row.channel),
      recorded.map((one) => one.status),
      recorded.map((one) => one.reason),
      recorded.map((one) => one.messageId),
      recorded.map((one) => one.nextAttemptAt),
      now,
      recorded.map((one) => one.reached),
      this.session.numbers,
      recorded.map((one) => one.bound),
    ];
    const received = customerNos.filter((_, index) => recorded[index]!.status === 'accepted');
    await together(
      counted(tx, tenant, { campaignNos: rows.map(() => campaignNo), customerNos }, () => prepared(tx, { name: 'deliveries_outcomes', text: RECORD_OUTCOMES, values })),
      received.length === 0 ? null : this.customers.markChanged(tx, tenant, received), // segments may ask who received a campaign
    );
    await this.close(tx, tenant, called.flatMap(({ row, message }, index) => closing(row, message, outcomes[index]!)), now);
  }

  /** Suppresses the addresses to which, the provider says, nothing may be sent. */
  private async close(tx: EntityManager, tenant: Tenant, closed: readonly Closing[], at: Date): Promise<void> {
    if (closed.length === 0) return;
    await this.suppressions.add(tx, tenant, closed.map(({ row, address, reason }) => ({ channel: row.channel, address, reason, at })));
    const optOuts = closed.filter(({ reason }) => reason === 'opt_out');
    if (optOuts.length === 0) return;
    await this.customers.setConsent(tx, tenant, optOuts.map(({ row, source }) => ({ customerNo: row.customer_no, channel: row.channel, status: 'unsubscribed', source, at })));
  }
}

/** Retries the work while PostgreSQL is unreachable. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(RETRY_MS)) {
    try {
      await work();
      return;
    } catch (error) {
      if (!isUnreachable(error) || performance.now() > until) throw error;
    }
  }
}

function toRecord(outcome: Outcome, row: ClaimedRow, now: Date): Recorded {
  const attempts = row.attempts + 1;
  const recorded: Recorded = { status: outcome.status, reason: null, messageId: null, nextAttemptAt: null, reached: true, bound: row.receiver !== null || (outcome.status === 'retry' && outcome.uncertain === true) };
  if (outcome.status === 'accepted') return { ...recorded, messageId: outcome.providerMessageId };
  if (outcome.status === 'uncalled') return { ...recorded, status: 'pending', reached: false, nextAttemptAt: now };
  if (outcome.status === 'barred') return { ...recorded, status: 'pending', reason: outcome.reason, reached: false, nextAttemptAt: now };
  if (outcome.status !== 'retry') return { ...recorded, reason: outcome.reason };
  if (outcome.reached && attempts >= MAX_ATTEMPTS) return { ...recorded, status: outcome.uncertain ? 'unknown' : 'rejected', reason: outcome.reason };
  return { ...recorded, status: 'pending', reason: outcome.reason, reached: outcome.reached, nextAttemptAt: new Date(now.getTime() + (outcome.pauseMs ?? 0) + pauseAfter(attempts, outcome.reached)) };
}

/** Full jitter: anything between none and the exponential pause, so that a crowd does not come back as one (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
const pauseAfter = (attempts: number, reached: boolean): number =>
  Math.random() * (reached ? Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts) : UNREACHED_PAUSE_MS);

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Secrets } from '#config';
import { Customers } from '#customers';
import { Database, prepared } from '#database';
import { WorkerSession } from '#jobs';
import { Clock, newId, type Tenant } from '#kernel';
import { AuditLog } from '#tenants';
import { secretContext } from './event-subscriptions.service.js';
import { type Health, healthAfter } from './health.js';
import { ANSWERS_SHARED, CLAIM_LANES, DISABLE, DROP, DUE, HOLD_LANE, HOLD_TARGET, LOG_ATTEMPTS, RELEASE, RENEW, SET_HEALTH, SETTLE, TARGET } from './outgoing.queries.js';
import { type KeptMessage, payloadOf } from './payload.js';
import { isArrival, type Posted } from './poster.js';
import { pauseAfter } from './schedule.js';

/** A worker has a lane for so long, and longer with every batch: enough for the slowest. What a dead worker leaves is taken up then, if its end was not seen before. */
const LEASE_MS = 60_000;

/** Messages under way to one receiver at once; to one that fails, one. */
const BATCH = 8;

/** One subscription's messages, in one worker's hands. */
export interface Lane {
  tenant: Tenant;
  subscriptionId: string;
  failing: boolean;
  leasedUntil: Date;
}

export interface DueMessage {
  id: string;
  /** How often it was sent before. */
  tries: number;
  dueAt: Date;
  /** Null when nobody is left whom it tells of. */
  body: string | null;
  customerNos: readonly number[];
}

export interface Batch {
  url: string;
  /** Newest first. */
  secrets: string[];
  messages: DueMessage[];
}

/** What came of a message. */
export interface Sent {
  message: DueMessage;
  posted: Posted;
}

/** What is written down between attempts: who sends what, what came of it, and when it goes on. */
@Injectable()
export class Dispatch {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly customers: Customers,
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
    private readonly session: WorkerSession,
  ) {}

  /** Takes lanes that are due and nobody else's. @param held the ids of those that this worker has */
  async claim(failing: boolean, most: number, held: readonly string[]): Promise<Lane[]> {
    const now = this.clock.now();
    const leasedUntil = new Date(now.getTime() + LEASE_MS);
    const statement = { name: 'lanes_claim', text: CLAIM_LANES, values: [now, leasedUntil, most, failing, held, this.session.number, this.session.lost] };
    const rows = await this.database.inNoTenant((tx) => prepared<{ id: number; name: string; subscription_id: string }>(tx, statement));
    return rows.map(({ id, name, subscription_id: subscriptionId }) => ({ tenant: { id, name }, subscriptionId, failing, leasedUntil }));
  }

  /** What is to be sent now; null when there is nothing, the subscription is not active any more, or its receiver wants to be left alone. */
  next({ tenant, subscriptionId }: Lane): Promise<Batch | null> {
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [target] = await tx.query<{ url: string; open: boolean; failing: boolean; sealed: Buffer[] }[]>(TARGET, [tenant.id, subscriptionId, now]);
      if (!target?.open) return null;
      const due = await tx.query<(KeptMessage & { message_id: string; tries: number; next_at: Date })[]>(DUE, [tenant.id, subscriptionId, now, target.failing ? 1 : BATCH]);
      if (due.length === 0) return null;
      const ids = await this.names(tx, tenant, due.flatMap((row) => row.customer_nos));
      return {
        url: target.url,
        secrets: target.sealed.map((sealed) => this.secrets.open(sealed, secretContext(tenant, subscriptionId))),
        messages: due.map((row) => ({ id: row.message_id, tries: row.tries, dueAt: row.next_at, body: payloadOf(row, ids), customerNos: row.customer_nos })),
      };
    });
  }

  /**
   * Writes down what came of a batch.
   *
   * @returns whether the lane is still this worker's, for longer
   */
  async settle(lane: Lane, batch: Batch, sent: readonly Sent[]): Promise<boolean> {
    const { tenant, subscriptionId } = lane;
    const renewed = await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const answers = await this.answers(tx, tenant, sent);
      const [target] = await tx.query<{ url: string; failing_since: Date | null }[]>(HOLD_TARGET, [tenant.id, subscriptionId]);
      if (target === undefined) return null; // deleted meanwhile, with all its messages
      const attempts = sent.map(({ message, posted }, index) => ({
        attempt_id: newId('att', now.getTime()), message_id: message.id, status_code: posted.statusCode, error: posted.error, duration_ms: posted.durationMs, answer: answers[index],
      }));
      if (attempts.length > 0) await tx.query(LOG_ATTEMPTS, [tenant.id, subscriptionId, JSON.stringify(attempts), now]);
      const outcomes = sent.map(({ message, posted }) => outcomeOf(message, posted, now));
      await tx.query(SETTLE, [tenant.id, subscriptionId, sent.map(({ message }) => message.id), sent.map(({ message }) => message.dueAt), outcomes.map((one) => one.status), outcomes.map((one) => one.nextAt)]);
      await tx.query(DROP, [tenant.id, subscriptionId, batch.messages.filter(({ body }) => body === null).map(({ id }) => id)]);
      const heard = target.url === batch.url ? sent.map(({ posted }) => posted) : []; // what another receiver said before says nothing of this one
      const failing = heard.length === 0 ? target.failing_since !== null : await this.judge(tx, lane, healthAfter(heard, target.failing_since, now), now);
      const leasedUntil = new Date(now.getTime() + LEASE_MS);
      const heldUntil = new Date(now.getTime() + Math.max(0, ...heard.map(({ retryAfter }) => retryAfter)));
      const { records } = (await tx.queryRunner!.query(RENEW, [tenant.id, subscriptionId, lane.leasedUntil, leasedUntil, failing, heldUntil, this.session.number], true)) as { records: unknown[] };
      return records.length > 0 ? leasedUntil : null;
    });
    if (renewed !== null) lane.leasedUntil = renewed;
    return renewed !== null;
  }

  /** Gives the lane back, unless it is somebody else's by now. */
  async release({ tenant, subscriptionId, leasedUntil }: Lane): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const held = await tx.query<unknown[]>(HOLD_LANE, [tenant.id, subscriptionId, leasedUntil]);
      if (held.length > 0) await tx.query(RELEASE, [tenant.id, subscriptionId, this.clock.now()]);
    });
  }

  /** @returns whether nothing arrives at present */
  private async judge(tx: EntityManager, { tenant, subscriptionId }: Lane, { failingSince, disabled }: Health, now: Date): Promise<boolean> {
    await tx.query(SET_HEALTH, [tenant.id, subscriptionId, failingSince]);
    if (disabled !== null) {
      await tx.query(DISABLE, [tenant.id, subscriptionId, disabled, now]);
      await this.auditLog.add(tx, tenant, 'system', 'event_subscription.disabled', { subscription_id: subscriptionId, code: disabled });
    }
    return failingSince !== null;
  }

  /** The names of people; of who was merged away, the survivor's. */
  private async names(tx: EntityManager, tenant: Tenant, customerNos: readonly number[]): Promise<Map<number, string>> {
    const ids = await this.customers.idsOf(tx, tenant, customerNos);
    const missing = customerNos.filter((no) => !ids.has(no));
    if (missing.length === 0) return ids;
    const survivors = await this.customers.survivors(tx, tenant, missing);
    const theirs = await this.customers.idsOf(tx, tenant, [...survivors.values()]);
    for (const [merged, survivor] of survivors) if (theirs.has(survivor)) ids.set(merged, theirs.get(survivor)!);
    return ids;
  }

  /** How the receiver's answers begin. One may repeat what it was told: about people who are erased by now none is kept. */
  private async answers(tx: EntityManager, tenant: Tenant, sent: readonly Sent[]): Promise<(string | null)[]> {
    const quotable = sent.filter(({ posted }) => posted.answer !== '').flatMap(({ message }) => message.customerNos);
    if (quotable.length > 0) await tx.query(ANSWERS_SHARED, [tenant.id]);
    const names = await this.names(tx, tenant, quotable);
    return sent.map(({ message, posted }) => (posted.answer !== '' && message.customerNos.every((no) => names.has(no)) ? posted.answer : null));
  }
}

function outcomeOf({ tries }: DueMessage, posted: Posted, now: Date): { status: 'succeeded' | 'failed' | 'pending'; nextAt: Date | null } {
  if (isArrival(posted.statusCode)) return { status: 'succeeded', nextAt: null };
  const pause = pauseAfter(tries + 1, posted.retryAfter);
  return pause === null ? { status: 'failed', nextAt: null } : { status: 'pending', nextAt: new Date(now.getTime() + pause) };
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import type { JobOrigin } from '#jobs';
import { base32, Clock, type Tenant } from '#kernel';
import type { EventName } from './event-types.js';
import { HOLD_LANES, KEEP_DELIVERIES, KEEP_MESSAGES, LISTENERS, WAKE_LANES } from './outgoing.queries.js';

/** A message to be kept: its data, and its people by their numbers; see {@link KeptMessage}. */
export interface Draft {
  type: EventName;
  data: object;
  customerNos?: readonly number[];
  /** When it happened, if not when the event was published. */
  at?: Date;
}

/** Stores messages to subscribers until they are sent. */
@Injectable()
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores messages for their subscribers.
   *
   * @param origin the event that they report: delivered again after a crash, it gives the same messages with the same ids
   * @param write must return the messages in the same order each time
   */
  keep(tenant: Tenant, origin: JobOrigin, write: (tx: EntityManager) => Promise<Draft[]>): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const listeners = await tx.query<{ subscription_id: string; events: EventName[] }[]>(LISTENERS, [tenant.id]);
      if (listeners.length === 0) return;
      const now = this.clock.now();
      const messages = (await write(tx)).map(({ type, data, customerNos = [], at = origin.at }, index) => ({
        message_id: messageId(origin.id, index), type, occurred_at: at.toISOString(), data, customer_nos: customerNos,
      }));
      const told = messages.flatMap((message) => listeners.flatMap((one) => (one.events.includes(message.type) ? [{ message, to: one.subscription_id }] : [])));
      if (told.length === 0) return;
      const lanes = [...new Set(told.map(({ to }) => to))];
      await tx.query(KEEP_MESSAGES, [tenant.id, JSON.stringify([...new Set(told.map(({ message }) => message))]), now]);
      await tx.query(KEEP_DELIVERIES, [tenant.id, told.map(({ message }) => message.message_id), told.map(({ to }) => to), now]);
      await tx.query(HOLD_LANES, [tenant.id, lanes]);
      await tx.query(WAKE_LANES, [tenant.id, lanes, now]);
    });
  }
}

/** The `webhook-id`: the same for every subscriber, attempt and try. */
const messageId = (jobId: string, index: number): string => `msg_${base32(Buffer.from(jobId.replaceAll('-', ''), 'hex'))}${index === 0 ? '' : `_${index}`}`;

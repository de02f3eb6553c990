import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PersonalData, type PersonalDataSource } from '#customers';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { ANSWERS_ALONE, FORGET } from './outgoing.queries.js';

/** How long messages and the log of their attempts are kept. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** The messages about the customer `$2`. Without an index: asked rarely, over 30 days at most. */
const ABOUT = 'm.tenant_id = $1 AND m.customer_nos @> ARRAY[$2::int]';

const TOLD = `
  SELECT m.message_id, m.type, m.occurred_at, coalesce(array_agg(s.url ORDER BY s.url) FILTER (WHERE d.status = 'succeeded'), '{}') AS told
    FROM outgoing_messages m
    LEFT JOIN outgoing_deliveries d ON d.tenant_id = $1 AND d.message_id = m.message_id
    LEFT JOIN event_subscriptions s ON s.tenant_id = $1 AND s.subscription_id = d.subscription_id
   WHERE ${ABOUT} GROUP BY m.tenant_id, m.message_id ORDER BY m.occurred_at, m.message_id`;

/** Deletes receivers' answers, which may repeat the message. */
const FORGET_ANSWERS = `
  UPDATE outgoing_attempts a SET answer = NULL FROM outgoing_messages m WHERE ${ABOUT} AND a.tenant_id = $1 AND a.message_id = m.message_id AND a.answer IS NOT NULL`;

const RENUMBER = `UPDATE outgoing_messages m SET customer_nos = array_replace(m.customer_nos, $2::int, $3::int) WHERE ${ABOUT}`;

/** Nobody's number. */
const NOBODY = 0;

/** The messages to subscribers about a person, for as long as they are kept. */
@Injectable()
export class OutgoingData implements PersonalDataSource, OnModuleInit {
  readonly name = 'event_messages';
  /** Empty: what they report is in the timelines of other domains. */
  readonly timelines = {};

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly tenants: Tenants,
    private readonly clock: Clock,
    private readonly personalData: PersonalData,
  ) {}

  onModuleInit(): void {
    this.personalData.register(this);
    this.jobs.every(3600, 'told events to forget', (signal) => this.sweep(signal));
  }

  /** The messages about the person, and the URLs that received them. */
  export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown> {
    return tx.query(TOLD, [tenant.id, customerNo]);
  }

  /** Waiting messages will leave the person out: ids are filled in when a message is sent, and nobody has the number put in place of theirs. */
  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    await tx.query(ANSWERS_ALONE, [tenant.id]);
    await tx.query(FORGET_ANSWERS, [tenant.id, customerNo]);
    await tx.query(RENUMBER, [tenant.id, customerNo, NOBODY]);
  }

  async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    await tx.query(RENUMBER, [tenant.id, from, into]);
  }

  async sweep(signal: AbortSignal): Promise<void> {
    const oldest = new Date(this.clock.now().getTime() - KEEP_MS);
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return;
      await this.database.inTenant(tenant, (tx) => tx.query(FORGET, [tenant.id, oldest]));
    }
  }
}

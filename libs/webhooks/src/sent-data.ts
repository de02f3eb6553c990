import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers, ErasedNames, PersonalData, type PersonalDataSource } from '#customers';
import { prepared } from '#database';
import { Clock, type Tenant } from '#kernel';
import { EventEffects, outlivesPerson } from './event-effects.js';
import { NOT_ASKED } from './hubspot-contacts.js';
import { isOfDatabase } from './inbox-worker.js';
import { KnownContacts } from './known-contacts.js';
import type { ClaimedEvent } from './outcome.js';
import { contactCustomerId, spelt } from './persons.js';
import { type EventRow, isEvent, readingOf } from './reading.js';
import { bodiesOf, type BodyRow, itemsOf } from './stored-bodies.js';

/** The events that name one of `$2`. A scan: asked rarely, over 30 days at most, and under row-level security no index on the array could be used, since `&&` is not leakproof. */
const ABOUT = `tenant_id = $1 AND persons && $2::text[]`;

const EXPORT = `SELECT provider, type, received_at, body_id, item_no FROM webhook_events WHERE ${ABOUT} ORDER BY id`;

/** The lock waits for a worker that is processing one of them. */
const WAITING = `
  SELECT provider, id, body_id, item_no, attempts, received_at FROM webhook_events
   WHERE ${ABOUT} AND (status = 'pending' OR status = 'unmatched' AND reason = '${NOT_ASKED}') ORDER BY id FOR UPDATE`;

const TAKEN = `UPDATE webhook_events SET status = 'processed', processed_at = $2 WHERE tenant_id = $1 AND id = ANY ($3::text[])`;

const ERASE = `
  UPDATE webhook_events SET persons = '{}', reason = 'erased', status = CASE status WHEN 'pending' THEN 'failed' ELSE status END
   WHERE ${ABOUT} RETURNING body_id, item_no`;

const REWRITE = `UPDATE webhook_bodies SET body = $3, taken_apart = true, query = NULL WHERE tenant_id = $1 AND id = $2`;
const REMOVE = `DELETE FROM webhook_bodies WHERE tenant_id = $1 AND id = $2`;

interface Item {
  body_id: string;
  item_no: number;
}

type Sent = Item & { provider: string; type: string | null; received_at: Date };

/** What providers sent about a person, for as long as it is kept. */
@Injectable()
export class SentData implements PersonalDataSource, OnModuleInit {
  readonly name = 'webhook_events';
  /** Empty: the events' effects are in the timelines of messages and consents. */
  readonly timelines = {};

  private readonly logger = new Logger(SentData.name);

  constructor(
    private readonly customers: Customers,
    private readonly personalData: PersonalData,
    private readonly contacts: KnownContacts,
    private readonly effects: EventEffects,
    private readonly erasedNames: ErasedNames,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.personalData.register(this);
  }

  async export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown> {
    const events = await tx.query<Sent[]>(EXPORT, [tenant.id, await this.persons(tx, tenant, customerNo)]);
    const exported: object[] = [];
    for (const [bodyId, own] of Map.groupBy(events, (event) => event.body_id)) {
      const items = (await this.read(tx, tenant, bodyId)) ?? [];
      exported.push(...own.map(({ provider, type, received_at, item_no }) => ({ provider, type, received_at, payload: items[item_no] ?? null })));
    }
    return exported;
  }

  /** Before an erasure, applies pending events about the person to messages and addresses: an opt-out must hold for any later customer with the address. */
  async settle(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    const [self] = (await this.customers.idsOf(tx, tenant, [customerNo])).values();
    const persons = new Set(await this.persons(tx, tenant, customerNo));
    const waiting = await tx.query<EventRow[]>(WAITING, [tenant.id, [...persons]]);
    if (waiting.length === 0) return;
    const bodies = new Map((await prepared<BodyRow>(tx, bodiesOf(tenant, waiting, Infinity))).map((body) => [body.id, itemsOf(body)]));
    const taken: string[] = [];
    for (const { outcome } of waiting.map((row) => readingOf(row, bodies.get(row.body_id)))) {
      if (!isEvent(outcome)) continue;
      const { provider, event } = outcome;
      // Otherwise HubSpot would have to be asked who the contact is.
      const ofSelf = event.contactId !== null && persons.has(spelt(this.erasedNames.hash(`id:${contactCustomerId(provider, event.contactId)}`)));
      const said = ofSelf ? { ...outcome, event: { ...event, contactId: null, customerId: self ?? null } } : outcome;
      if (outlivesPerson(said) && (await this.takesEffect(tx, tenant, said))) taken.push(said.id);
    }
    if (taken.length > 0) await tx.query(TAKEN, [tenant.id, this.clock.now(), taken]);
  }

  /** An event that cannot be applied does not hold up the erasure. */
  private async takesEffect(tx: EntityManager, tenant: Tenant, event: ClaimedEvent): Promise<boolean> {
    try {
      await tx.transaction((inner) => this.effects.apply(inner, tenant, [event]));
      return true;
    } catch (error) {
      if (isOfDatabase(error)) throw error;
      this.logger.error({ msg: 'a webhook event of somebody to be erased could not be processed', tenant: tenant.name, event: event.id, err: error });
      return false;
    }
  }

  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    const persons = await this.persons(tx, tenant, customerNo);
    await this.erasedNames.keep(tx, tenant, customerNo, await this.contacts.namesOf(tx, tenant, customerNo));
    const { records } = (await tx.queryRunner!.query(ERASE, [tenant.id, persons], true)) as { records: Item[] };
    for (const [bodyId, items] of [...Map.groupBy(records, (item) => item.body_id)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await this.blank(tx, tenant, bodyId, new Set(items.map((item) => item.item_no)));
    }
  }

  /** Nothing to do: events name people by ids and addresses, which are found after a merge too. */
  async merge(): Promise<void> {}

  /** Removes items from a body; the others stay, and can still be processed and replayed. */
  private async blank(tx: EntityManager, tenant: Tenant, bodyId: string, gone: ReadonlySet<number>): Promise<void> {
    const items = (await this.read(tx, tenant, bodyId)) ?? [];
    const left = items.map((item, no) => (gone.has(no) ? null : item));
    if (left.some((item) => item !== null && item !== undefined)) await tx.query(REWRITE, [tenant.id, bodyId, Buffer.from(JSON.stringify(left))]);
    else await tx.query(REMOVE, [tenant.id, bodyId]);
  }

  private async read(tx: EntityManager, tenant: Tenant, bodyId: string): Promise<unknown[] | null> {
    const [row] = await prepared<BodyRow>(tx, bodiesOf(tenant, [{ body_id: bodyId }], Infinity));
    return row === undefined ? null : (itemsOf(row)?.items ?? null);
  }

  /** The hashes of the customer's names, as stored with events. */
  private async persons(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<string[]> {
    const contacts = (await this.contacts.namesOf(tx, tenant, customerNo)).map((name) => this.erasedNames.hash(name));
    return [...(await this.customers.namesOf(tx, tenant, customerNo)), ...contacts].map(spelt);
  }
}

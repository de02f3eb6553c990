import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type CustomerProfile, Customers, PersonalData, type PersonalDataSource } from '#customers';
import { prepared } from '#database';
import type { Tenant } from '#kernel';
import { personsOf } from './persons.js';
import { bodiesOf, type BodyRow, itemsOf } from './stored-bodies.js';

/** The events that name one of `$2`. Asked rarely, of 30 days at most: no index waits for it. */
const ABOUT = `tenant_id = $1 AND persons && $2::text[]`;

const EXPORT = `SELECT provider, type, received_at, body_id, item_no FROM webhook_events WHERE ${ABOUT} ORDER BY id`;

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

/** What providers sent about a person, while it is kept. */
@Injectable()
export class SentData implements PersonalDataSource, OnModuleInit {
  readonly name = 'webhook_events';
  /** What came of the events is in the timelines of those whom they were about: messages and consents. */
  readonly timelines = {};

  constructor(
    private readonly customers: Customers,
    private readonly personalData: PersonalData,
  ) {}

  onModuleInit(): void {
    this.personalData.register(this);
  }

  async export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown> {
    const persons = await this.persons(tx, tenant, customerNo);
    const events = persons && (await tx.query<Sent[]>(EXPORT, [tenant.id, persons]));
    if (events === null) return null;
    const exported: object[] = [];
    for (const [bodyId, own] of Map.groupBy(events, (event) => event.body_id)) {
      const items = (await this.read(tx, tenant, bodyId)) ?? [];
      exported.push(...own.map(({ provider, type, received_at, item_no }) => ({ provider, type, received_at, payload: items[item_no] ?? null })));
    }
    return exported;
  }

  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    const persons = await this.persons(tx, tenant, customerNo);
    if (persons === null) return;
    const { records } = (await tx.queryRunner!.query(ERASE, [tenant.id, persons], true)) as { records: Item[] };
    for (const [bodyId, items] of [...Map.groupBy(records, (item) => item.body_id)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await this.blank(tx, tenant, bodyId, new Set(items.map((item) => item.item_no)));
    }
  }

  /** Events name people by their ids and addresses. */
  async merge(): Promise<void> {}

  /** Takes items out of a body: what others are behind stays, and is still to be processed or replayed. */
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

  private async persons(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<string[] | null> {
    const profile: CustomerProfile | undefined = (await this.customers.profiles(tx, tenant, [customerNo])).get(customerNo);
    return profile === undefined ? null : personsOf({ customerId: profile.customer_id, email: profile.email, phone: profile.phone });
  }
}

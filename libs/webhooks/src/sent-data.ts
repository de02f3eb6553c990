import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type CustomerProfile, Customers, PersonalData, type PersonalDataSource } from '#customers';
import type { Tenant } from '#kernel';

/** The events that name the customer `$2` or, wherever each provider puts it, one of the addresses `$3`. Asked rarely, of 30 days at most: no index waits for it. */
const ABOUT = `
  tenant_id = $1 AND (payload ->> 'customer_id' = $2
    OR EXISTS (SELECT FROM unnest($3::text[]) AS address WHERE position(to_json(address)::text IN lower(payload::text)) > 0))`;

/** A body goes with the first of its events: it names others too, but nothing reads it any more. */
const ERASE = `
  WITH erased AS (
    UPDATE webhook_events SET payload = NULL, reason = 'erased', status = CASE status WHEN 'pending' THEN 'failed' ELSE status END
     WHERE ${ABOUT} RETURNING body_id)
  DELETE FROM webhook_bodies WHERE tenant_id = $1 AND id IN (SELECT body_id FROM erased)`;

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
    const person = await this.person(tx, tenant, customerNo);
    return person && tx.query(`SELECT provider, type, received_at, payload FROM webhook_events WHERE ${ABOUT} ORDER BY id`, person);
  }

  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    const person = await this.person(tx, tenant, customerNo);
    if (person !== null) await tx.query(ERASE, person);
  }

  /** Events name people by their ids and addresses. */
  async merge(): Promise<void> {}

  private async person(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<unknown[] | null> {
    const profile: CustomerProfile | undefined = (await this.customers.profiles(tx, tenant, [customerNo])).get(customerNo);
    return profile === undefined ? null : [tenant.id, profile.customer_id, [profile.email, profile.phone].filter((address) => address !== null)];
  }
}

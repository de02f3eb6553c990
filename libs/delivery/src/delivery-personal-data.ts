import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PersonalData, type Position, type TimelineEntry } from '#customers';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, type JsonObject, type Tenant } from '#kernel';
import { UniqueCodes } from '#promos';
import { LATE_HITS } from './attribution.js';
import { mergeDeliveries } from './delivery-merge.js';

const INSTANTS = ['accepted_at', 'delivered_at', 'opened_at', 'clicked_at', 'bounced_at', 'complained_at', 'unsubscribed_at', 'converted_at'] as const;

const messagesIn = (table: string): string => `
  SELECT m.campaign_id, m.name, d.channel, d.status, d.reason, d.variant, d.held_out_at, ${INSTANTS.map((name) => `d.${name}`).join(', ')}
    FROM ${table} d JOIN mailings m ON m.tenant_id = d.tenant_id AND m.campaign_no = d.campaign_no
   WHERE d.tenant_id = $1 AND d.customer_no = $2`;

const MESSAGES = `${messagesIn('deliveries')} UNION ALL ${messagesIn('merged_deliveries')}`;

/** A bounce or a complaint may come days after its message, and names nothing else: so long a keyed hash of where it went outlives its customer. */
const KEEP_ADDRESSES_MS = 30 * 86_400_000;

const FORGET_ADDRESSES = jobType<{ customer_no: number }>('mailing-addresses-forget');

/** What was sent to a person and what they did with it. */
@Injectable()
export class DeliveryPersonalData implements OnModuleInit {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly personalData: PersonalData,
    private readonly uniqueCodes: UniqueCodes,
  ) {}

  onModuleInit(): void {
    this.personalData.register({ name: 'deliveries', timelines: { delivery: timelineOf }, export: exportOf, erase: this.erase.bind(this), merge: this.merge.bind(this) });
    this.jobs.handle(FORGET_ADDRESSES, (tenant, { customer_no }) => this.database.inTenant(tenant, (tx) => forgetAddresses(tx, tenant, customer_no)));
  }

  private async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    await erase(tx, tenant, customerNo);
    await this.jobs.enqueue(tx, tenant, FORGET_ADDRESSES, { customer_no: customerNo }, { startAfter: new Date(this.clock.now().getTime() + KEEP_ADDRESSES_MS) });
  }

  /** Orders of the one may have followed clicks of the other: they are attributed anew. */
  private async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    await mergeDeliveries(tx, tenant, from, into, this.uniqueCodes);
    await this.jobs.enqueue(tx, tenant, LATE_HITS, { customer_nos: [into], from: new Date(0).toISOString(), until: this.clock.now().toISOString() });
  }
}

async function timelineOf(tx: EntityManager, tenant: Tenant, customerNo: number, limit: number, { at, key }: Position): Promise<TimelineEntry[]> {
  return tx.query<TimelineEntry[]>(
    `SELECT at, key, data
       FROM (SELECT happened.at, concat_ws('/', message.campaign_id, message.channel, happened.what, lpad(message.nth::text, 9, '0')) COLLATE "C" AS key,
                    jsonb_build_object('campaign_id', message.campaign_id, 'name', message.name, 'channel', message.channel, 'what', happened.what) AS data
               FROM (SELECT *, row_number() OVER (PARTITION BY campaign_id, channel ORDER BY accepted_at, delivered_at) AS nth FROM (${MESSAGES}) message) message
              CROSS JOIN LATERAL (VALUES ${INSTANTS.map((name) => `(message.${name}, '${name.slice(0, -3)}')`).join(', ')}) AS happened (at, what)) entry
      WHERE at < coalesce($3::timestamptz, 'infinity') OR (at = $3 AND key > $5) ORDER BY at DESC, key LIMIT $4`,
    [tenant.id, customerNo, at, limit, key],
  );
}

async function exportOf(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<JsonObject> {
  const one = [tenant.id, customerNo];
  const messages = await tx.query<JsonObject[]>(`${MESSAGES} ORDER BY campaign_id, channel`, one);
  const hits = await tx.query<JsonObject[]>('SELECT at, campaign_no, channel, kind, machine FROM delivery_hits WHERE tenant_id = $1 AND customer_no = $2 ORDER BY at', one);
  const conversions = await tx.query<JsonObject[]>('SELECT order_id, model, occurred_at FROM conversions WHERE tenant_id = $1 AND customer_no = $2 ORDER BY occurred_at', one);
  return { messages, hits, conversions };
}

/** The ledger keeps its rows, since a campaign's numbers stand; without the customer they are nobody's. What could tell who it was goes. */
async function erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
  const one = [tenant.id, customerNo];
  await tx.query('DELETE FROM merged_deliveries WHERE tenant_id = $1 AND customer_no = $2', one);
  // A provider's own words on a bounce tend to quote the address.
  await tx.query('UPDATE deliveries SET reason = NULL WHERE tenant_id = $1 AND customer_no = $2 AND coalesce(bounced_at, failed_at) IS NOT NULL', one);
  await tx.query('DELETE FROM delivery_hits WHERE tenant_id = $1 AND customer_no = $2', one);
}

async function forgetAddresses(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
  const [addresses] = await tx.query<[{ channel: string; address_hash: Buffer }[], number]>(
    `DELETE FROM mailing_addresses a USING (SELECT DISTINCT campaign_no FROM deliveries WHERE tenant_id = $1 AND customer_no = $2) sent
      WHERE a.tenant_id = $1 AND a.campaign_no = sent.campaign_no AND a.customer_no = $2 RETURNING channel, address_hash`,
    [tenant.id, customerNo],
  );
  const numbers = addresses.filter((one) => one.channel === 'sms').map((one) => one.address_hash);
  if (numbers.length > 0) await tx.query(FORGET_NUMBERS, [tenant.id, numbers]);
}

/** Those that nobody else of the tenant was written to at. */
const FORGET_NUMBERS = `
  DELETE FROM number_directory d WHERE d.tenant_id = $1 AND d.number_hash = ANY ($2::bytea[])
     AND NOT EXISTS (SELECT FROM mailings m JOIN mailing_addresses a ON a.tenant_id = $1 AND a.campaign_no = m.campaign_no AND a.channel = 'sms' AND a.address_hash = d.number_hash
                      WHERE m.tenant_id = $1 AND 'sms' = ANY (m.channels))`;

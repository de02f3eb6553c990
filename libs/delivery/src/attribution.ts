import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import { Database } from '#database';
import { Events, ORDERS_RECORDED } from '#events';
import { Jobs, jobType } from '#jobs';
import type { Tenant } from '#kernel';
import { PROMO_REDEEMED, PROMO_ROLLED_BACK, Promos } from '#promos';
import { SettingsService } from '#tenants';
import { ATTRIBUTE, FORGET, KEEP, KEEP_REDEMPTION, KNOWN, LOCK, STAMP, STANDING_REDEMPTIONS } from './attribution.queries.js';
import { counted, type Touched } from './counters.js';

/** Clicks or opens were reported late: orders that followed them are attributed again. */
export const LATE_HITS = jobType<{ customer_nos: number[]; from: string; until: string }>('delivery-late-hits', { retries: 20 });

const DAY_MS = 86_400_000;

/** An order, or a redemption whose order was not reported yet. */
interface Subject {
  order_id: string;
  /** 0 if the customer is not known. */
  customer_no: number;
  /** Minor units, before and after refunds. */
  gross: number;
  amount: number;
  occurred_at: string;
  /** The promo that had the order's code when it was placed: the code may be another's by now. */
  promo_id: string | null;
  /** The campaign that gave the order's code to one customer alone; null for other codes. */
  code_campaign_no: number | null;
}

type Verdict = { order_id: string; campaign_no: number; model: string };

/**
 * Attributes each order to the campaign that brought it. Events only say which orders to look at: the verdict is made from
 * what is known now of the order, its redemptions and the customer's hits, and replaces the verdict before. So events may arrive
 * in any order, late, or more than once.
 */
@Injectable()
export class Attribution implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly events: Events,
    private readonly customers: Customers,
    private readonly promos: Promos,
    private readonly settings: SettingsService,
  ) {}

  onModuleInit(): void {
    this.jobs.subscribe(ORDERS_RECORDED, 'attribution', (tenant, { orders }) => this.attributeAll(tenant, orders.map((order) => order.order_id)));
    this.jobs.subscribe(PROMO_REDEEMED, 'attribution', (tenant, { redemption_id, promo_id, order_id, customer_no, campaign_no, order_total, at }) =>
      this.redemption(tenant, order_id, [redemption_id, order_id, promo_id, customer_no ?? 0, order_total, at, false, campaign_no]),
    );
    this.jobs.subscribe(PROMO_ROLLED_BACK, 'attribution', (tenant, { redemption_id, promo_id, order_id }) =>
      this.redemption(tenant, order_id, [redemption_id, order_id, promo_id, 0, 0, new Date(0), true, null]),
    );
    this.jobs.handle(LATE_HITS, (tenant, { customer_nos, from, until }) => this.lateHits(tenant, customer_nos, new Date(from), new Date(until)));
  }

  private attributeAll(tenant: Tenant, orderIds: readonly string[]): Promise<void> {
    return this.database.inTenant(tenant, (tx) => this.attribute(tx, tenant, orderIds));
  }

  private redemption(tenant: Tenant, orderId: string, values: unknown[]): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const kept = await tx.query<unknown[]>(KEEP_REDEMPTION, [tenant.id, ...values]);
      if (kept.length > 0) await this.attribute(tx, tenant, [orderId]); // else no campaign announced the promo
    });
  }

  private lateHits(tenant: Tenant, customerNos: number[], from: Date, until: Date): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const { attribution } = await this.settings.of(tx, tenant);
      const end = new Date(until.getTime() + attribution.window_days * DAY_MS);
      await this.attribute(tx, tenant, await this.events.orderIdsBetween(tx, tenant, customerNos, from, end));
    });
  }

  private async attribute(tx: EntityManager, tenant: Tenant, orderIds: readonly string[]): Promise<void> {
    if (orderIds.length === 0) return;
    await tx.query(LOCK, [tenant.id]);
    const subjects = await this.subjects(tx, tenant, orderIds);
    const verdicts = await this.verdicts(tx, tenant, subjects);
    const known = await tx.query<{ order_id: string; campaign_no: number; customer_no: number }[]>(KNOWN, [tenant.id, orderIds]);
    const conversions = subjects.flatMap(({ promo_id: _, code_campaign_no: __, ...subject }) => {
      const verdict = verdicts.get(subject.order_id);
      return verdict === undefined ? [] : [{ ...subject, campaign_no: verdict.campaign_no, model: verdict.model }];
    });
    const moved = [...known, ...conversions];
    if (moved.length === 0) return;
    const touched: Touched = { campaignNos: moved.map((one) => one.campaign_no), customerNos: moved.map((one) => one.customer_no) };
    const lost = known.flatMap(({ order_id }) => (verdicts.has(order_id) ? [] : [order_id]));
    await counted(tx, tenant, touched, async () => {
      if (lost.length > 0) await tx.query(FORGET, [tenant.id, lost]);
      if (conversions.length > 0) await tx.query(KEEP, [tenant.id, JSON.stringify(conversions)]);
      await tx.query(STAMP, [tenant.id, touched.campaignNos, touched.customerNos]);
    });
    await this.customers.markChanged(tx, tenant, [...new Set(touched.customerNos)].filter((no) => no !== 0));
  }

  /** What is known of each order id: the order itself if it was reported, else its redemption. */
  private async subjects(tx: EntityManager, tenant: Tenant, orderIds: readonly string[]): Promise<Subject[]> {
    const orders = await this.events.ordersById(tx, tenant, orderIds);
    const reported = new Set(orders.map((order) => order.order_id));
    const redemptions = await tx.query<{ order_id: string; customer_no: number; campaign_no: number | null; order_total: number; redeemed_at: Date }[]>(STANDING_REDEMPTIONS, [tenant.id, orderIds]);
    /** A customer's own code tells whose order it is, even if the till did not know. */
    const owners = new Map(redemptions.flatMap(({ order_id, campaign_no, customer_no }) => (campaign_no === null || customer_no === 0 ? [] : [[order_id, customer_no]])));
    const named = await this.promos.holders(tx, tenant, orders.map(({ promo_code, occurred_at }) => ({ code: promo_code, at: occurred_at })));
    return [
      ...orders.map(({ total, promo_code: _, ...order }, index) => ({
        ...order, customer_no: owners.get(order.order_id) ?? order.customer_no, amount: total, promo_id: named[index]!.promoId, code_campaign_no: named[index]!.campaignNo,
      })),
      ...redemptions
        .filter(({ order_id }) => !reported.has(order_id))
        .map(({ order_id, customer_no, order_total, redeemed_at }) => ({ order_id, customer_no, gross: order_total, amount: order_total, occurred_at: redeemed_at.toISOString(), promo_id: null, code_campaign_no: null })),
    ];
  }

  private async verdicts(tx: EntityManager, tenant: Tenant, subjects: readonly Subject[]): Promise<Map<string, Verdict>> {
    if (subjects.length === 0) return new Map();
    const { attribution: { window_days, models } } = await this.settings.of(tx, tenant);
    const rows = await tx.query<Verdict[]>(ATTRIBUTE, [
      tenant.id,
      subjects.map((subject) => subject.order_id),
      subjects.map((subject) => subject.customer_no),
      subjects.map((subject) => subject.occurred_at),
      subjects.map((subject) => subject.promo_id),
      window_days,
      ...(['promo_code', 'click', 'open'] as const).map((model) => models.includes(model)),
      subjects.map((subject) => subject.code_campaign_no),
    ]);
    return new Map(rows.map((row) => [row.order_id, row]));
  }
}

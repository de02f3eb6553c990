import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import { Events } from '#events';
import { Clock, type Fault, type Tenant, validationFailed } from '#kernel';
import { Segments } from '#segments';
import { SettingsService } from '#tenants';
import type { RedeemDto } from './dto/order.dto.js';
import { type CustomerFacts, type Judgement, judge } from './judgement.js';
import { type Order, readOrder } from './order.js';
import type { CodedPromo, Promo } from './promo.entity.js';
import { promosByCode } from './promo.queries.js';
import { redeemedElsewhere, standingOn, usesOf } from './redemption.queries.js';
import { UniqueCodes } from './unique-codes.js';

/** An order with its codes, judged. */
export interface Checkout extends Judgement {
  order: Order;
  /** Whose order it is, if anybody's. */
  customerId: string | null;
  at: Date;
  timezone: string;
  /** Minor units, all discounts and those that stood before taken off. */
  orderTotal: number;
}

/** Gathers what the rules must know, and asks them. Writes nothing. */
@Injectable()
export class CheckoutReader {
  constructor(
    private readonly settings: SettingsService,
    private readonly customers: Customers,
    private readonly segments: Segments,
    private readonly events: Events,
    private readonly uniqueCodes: UniqueCodes,
    private readonly clock: Clock,
  ) {}

  async read(tx: EntityManager, tenant: Tenant, request: RedeemDto): Promise<Checkout> {
    const codes = codesOf(request);
    const [promos, standing, { currency, timezone }] = await Promise.all([
      promosByCode(tx, tenant, codes).then((named) => this.uniqueCodes.withoutUntold(tx, tenant, named)),
      standingOn(tx, tenant, request.order.id),
      this.settings.of(tx, tenant),
    ]);
    const { order, faults } = readOrder(request.order, currency);
    if (faults.length > 0) throw validationFailed(faults);
    const { customerId, customerNo } = await this.customerOf(tx, tenant, request.customer_id ?? null, codes, promos);
    const customer = customerId === null ? null : await this.factsOf(tx, tenant, customerNo, [...promos.values()], order.id);
    const at = this.clock.now();
    const judgement = judge(codes, promos, order, { at, timezone, currency, customer, standing });
    const before = standing.reduce((sum, { deliveryDiscount, lineDiscounts }) => sum + deliveryDiscount + [...lineDiscounts.values()].reduce((a, b) => a + b, 0), 0);
    const taken = judgement.applicable.reduce((sum, { discount }) => sum + discount, before);
    return { ...judgement, order, customerId, at, timezone, orderTotal: Math.max(0, order.amount - taken) };
  }

  /** A till that knows no customers takes a unique code from whoever shows it: the order is whose code it is. */
  private async customerOf(tx: EntityManager, tenant: Tenant, customerId: string | null, codes: readonly string[], promos: ReadonlyMap<string, CodedPromo>): Promise<{ customerId: string | null; customerNo: number | undefined }> {
    if (customerId !== null) return { customerId, customerNo: (await this.customers.find(tx, tenant, [customerId])).get(customerId) };
    const customerNo = codes.map((code) => promos.get(code)?.assigned?.customerNo).find((no) => no !== undefined);
    return { customerId: (customerNo !== undefined && (await this.customers.idsOf(tx, tenant, [customerNo])).get(customerNo)) || null, customerNo };
  }

  /** Asks only for what one of the promos turns on. Somebody unknown has no history. */
  private async factsOf(tx: EntityManager, tenant: Tenant, customerNo: number | undefined, promos: readonly Promo[], orderId: string): Promise<CustomerFacts> {
    if (customerNo === undefined) return { customerNo: null, uses: new Map(), segments: new Set(), ordered: false };
    const asked = [...new Set(promos.flatMap(({ segmentNo }) => segmentNo ?? []))];
    const [uses, memberships, ordered] = await Promise.all([
      usesOf(tx, tenant, customerNo, promos.map(({ promoNo }) => promoNo)),
      Promise.all(asked.map((segmentNo) => this.segments.has(tx, tenant, segmentNo, customerNo))),
      promos.some(({ firstOrderOnly }) => firstOrderOnly) && this.hasOrdered(tx, tenant, customerNo, orderId),
    ]);
    return { customerNo, uses, segments: new Set(asked.filter((_, index) => memberships[index])), ordered };
  }

  /** Orders arrive as events, perhaps late, perhaps before their redemption; a redemption on another order is an order, too. */
  private async hasOrdered(tx: EntityManager, tenant: Tenant, customerNo: number, orderId: string): Promise<boolean> {
    const [reported, redeemed] = await Promise.all([this.events.hasOtherOrder(tx, tenant, customerNo, orderId), redeemedElsewhere(tx, tenant, customerNo, orderId)]);
    return reported || redeemed;
  }
}

/** @throws RequestError validation_failed unless there is exactly one of `code` and `codes` */
export function codesOf({ code, codes }: Pick<RedeemDto, 'code' | 'codes'>): string[] {
  if (code !== undefined && codes === undefined) return [code];
  if (codes !== undefined && code === undefined) return codes;
  const fault: Fault =
    code === undefined ? { pointer: '/code', code: 'required', detail: 'Give code or codes.' } : { pointer: '/codes', code: 'exclusive', detail: 'Give either code or codes.' };
  throw validationFailed([fault]);
}

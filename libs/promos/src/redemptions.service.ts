import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Customers } from '#customers';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock, newId, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { type Checkout, CheckoutReader, codesOf } from './checkout.js';
import type { RedeemDto } from './dto/order.dto.js';
import { RedemptionDto, type RedemptionsDto } from './dto/redemption.dto.js';
import { amountsIn, ValidationDto } from './dto/validation.dto.js';
import { brokenLimit, type Inapplicable } from './judgement.js';
import { type CodedPromo, isLimited } from './promo.entity.js';
import { PromoError, REASONS, RedemptionRefused } from './promo.errors.js';
import { PROMO_REDEEMED, PROMO_ROLLED_BACK } from './promo.events.js';
import { promosByNo, shareTerms } from './promo.queries.js';
import { assertKey, claimKey, fingerprintOf } from './redemption-keys.js';
import { insertRedemptions, lockOrder, markRolledBack, redemptionsById } from './redemption.queries.js';
import type { Redemption } from './redemption.js';
import { UniqueCodes } from './unique-codes.js';
import { countForCustomer, countForDays, countForPromos, type UsageChange } from './usage.queries.js';
import { wallClock } from './wall-clock.js';

export interface Redeemed {
  body: RedemptionDto | RedemptionsDto;
  /** The Idempotency-Key was seen before: nothing was done now. */
  replayed: boolean;
}

/**
 * The ledger of redemptions. A redemption, its counters and its event are one transaction, whose locks are always taken in the same order:
 * key, order, terms (shared), unique codes, customer's counters, days, promo's counters. What limits a promo is checked on the counters' own answer, under their lock.
 */
@Injectable()
export class RedemptionsService {
  constructor(
    private readonly database: Database,
    private readonly checkouts: CheckoutReader,
    private readonly customers: Customers,
    private readonly settings: SettingsService,
    private readonly uniqueCodes: UniqueCodes,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  async validate(tenant: Tenant, request: RedeemDto): Promise<ValidationDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const checkout = await this.checkouts.read(tx, tenant, request);
      return ValidationDto.from(checkout, checkout.order);
    });
  }

  /** @throws RedemptionRefused with the reason of the first code that does not apply; then none is redeemed */
  async redeem(tenant: Tenant, request: RedeemDto, key?: string): Promise<Redeemed> {
    if (key !== undefined) assertKey(key);
    const codes = codesOf(request);
    return this.database.inTenant(tenant, async (tx) => {
      await this.settings.recordMoney(tx, tenant);
      const redemptionIds = codes.map(() => newId('red', this.clock.now().getTime()));
      const several = request.codes !== undefined;
      const kept = key === undefined ? null : await claimKey(tx, tenant, key, fingerprintOf(request), { redemptionIds, several });
      if (kept !== null) return { body: shape(await this.load(tx, tenant, kept.redemptionIds), kept.several), replayed: true };
      await Promise.all([lockOrder(tx, tenant, request.order.id), shareTerms(tx, tenant, { codes })]);
      const checkout = await this.checkouts.read(tx, tenant, request);
      if (checkout.inapplicable.length > 0) throw refused(checkout.inapplicable, codes, checkout.order.currency, several);
      const rows = await this.write(tx, tenant, checkout, redemptionIds);
      return { body: shape(rows.map((row) => RedemptionDto.from(row, checkout.customerId)), several), replayed: false };
    });
  }

  async get(tenant: Tenant, redemptionId: string): Promise<RedemptionDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const [found] = await this.load(tx, tenant, [redemptionId]);
      if (found === undefined) throw new PromoError('redemption_not_found');
      return found;
    });
  }

  /** Gives back exactly what the redemption used, once. */
  async rollback(tenant: Tenant, redemptionId: string, reason: string | null): Promise<RedemptionDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const [redemption] = await redemptionsById(tx, tenant, [redemptionId]);
      if (redemption === undefined) throw new PromoError('redemption_not_found');
      await shareTerms(tx, tenant, { promoNos: [redemption.promoNo] });
      if (await markRolledBack(tx, tenant, redemptionId, this.clock.now(), reason)) await this.giveBack(tx, tenant, redemption);
      const [now] = await this.load(tx, tenant, [redemptionId]);
      return now!;
    });
  }

  private async write(tx: EntityManager, tenant: Tenant, checkout: Checkout, ids: readonly string[]): Promise<Redemption[]> {
    const { order, at, timezone, orderTotal, applicable } = checkout;
    const customerNo = await this.customerNo(tx, tenant, checkout);
    const day = wallClock(at, timezone).date;
    const rows = applicable.map(({ code, promo, discount, deliveryDiscount, lineDiscounts }, index): Redemption => ({
      redemptionId: ids[index]!, promoNo: promo.promoNo, promoId: promo.promoId, code, customerNo, orderId: order.id, status: 'redeemed', currency: order.currency,
      orderAmount: order.amount, orderTotal, discount, deliveryDiscount, lineIds: order.lines.map(({ id }) => id), lineDiscounts, day,
      createdAt: at, rolledBackAt: null, rollbackReason: null,
    }));
    const promoNos = rows.map(({ promoNo }) => promoNo);
    const usedUp = await this.uniqueCodes.take(tx, tenant, rows.filter((_, index) => applicable[index]!.promo.assigned !== null));
    if (usedUp.length > 0) throw new RedemptionRefused('code_already_redeemed', { params: { promo_code: usedUp[0]! } });
    const [, customerUses] = await Promise.all([
      insertRedemptions(tx, tenant, rows),
      customerNo === null ? new Map<number, number>() : countForCustomer(tx, tenant, customerNo, promoNos, 1),
    ]);
    for (const { promo, code } of applicable) {
      const uses = customerUses.get(promo.promoNo) ?? 0;
      if (promo.perCustomerLimit !== null && uses > promo.perCustomerLimit) throw new RedemptionRefused('customer_limit_reached', { params: { promo_code: code } });
      if (promo.firstOrderOnly && uses > 1) throw new RedemptionRefused('not_first_order', { params: { promo_code: code } });
    }
    for (const [index, row] of rows.entries()) await this.jobs.publish(tx, tenant, PROMO_REDEEMED, redeemedEvent(row, applicable[index]!.promo));
    const changes = applicable.map(({ promo, discount }): UsageChange => ({
      promoNo: promo.promoNo, limited: isLimited(promo), day, uses: 1, customers: customerUses.get(promo.promoNo) === 1 ? 1 : 0, discount, revenue: orderTotal,
    }));
    const [, used] = await Promise.all([countForDays(tx, tenant, changes), countForPromos(tx, tenant, changes)]);
    for (const { promo, code } of applicable) {
      const broken = brokenLimit(promo, used.get(promo.promoNo)!);
      if (broken !== null) throw new RedemptionRefused(broken, { params: { promo_code: code } });
    }
    return rows;
  }

  /** Held until the end. Whoever the caller names may be new; whose code it is was erased meanwhile, or is known. */
  private async customerNo(tx: EntityManager, tenant: Tenant, { customerId, applicable }: Checkout): Promise<number | null> {
    if (customerId === null) return null;
    const given = applicable.find(({ promo }) => promo.assigned !== null);
    const held = await (given === undefined ? this.customers.ensure(tx, tenant, [customerId]) : this.customers.hold(tx, tenant, [customerId]));
    const customerNo = held.get(customerId);
    if (customerNo === undefined) throw new RedemptionRefused('not_found', { params: { promo_code: given!.code } });
    return customerNo;
  }

  private async giveBack(tx: EntityManager, tenant: Tenant, { code, promoNo, promoId, customerNo, redemptionId, orderId, day, discount, orderTotal }: Redemption): Promise<void> {
    const [promo] = await promosByNo(tx, tenant, [promoNo]);
    await this.uniqueCodes.giveBack(tx, tenant, code, redemptionId);
    const customerUses = customerNo === null ? null : (await countForCustomer(tx, tenant, customerNo, [promoNo], -1)).get(promoNo)!;
    await this.jobs.publish(tx, tenant, PROMO_ROLLED_BACK, { redemption_id: redemptionId, promo_id: promoId, order_id: orderId });
    const change: UsageChange = { promoNo, limited: isLimited(promo!), day, uses: -1, customers: customerUses === 0 ? -1 : 0, discount: -discount, revenue: -orderTotal };
    await Promise.all([countForDays(tx, tenant, [change]), countForPromos(tx, tenant, [change])]);
  }

  private async load(tx: EntityManager, tenant: Tenant, ids: readonly string[]): Promise<RedemptionDto[]> {
    const rows = await redemptionsById(tx, tenant, ids);
    const customerIds = await this.customers.idsOf(tx, tenant, rows.flatMap(({ customerNo }) => customerNo ?? []));
    return rows.map((row) => RedemptionDto.from(row, row.customerNo === null ? null : (customerIds.get(row.customerNo) ?? null)));
  }
}

const shape = (redemptions: RedemptionDto[], several: boolean): RedemptionDto | RedemptionsDto => (several ? { redemptions } : redemptions[0]!);

const redeemedEvent = ({ redemptionId, promoId, customerNo, orderId, orderTotal, createdAt }: Redemption, { assigned }: CodedPromo) => ({
  redemption_id: redemptionId,
  promo_id: promoId,
  customer_no: customerNo,
  campaign_no: assigned?.campaignNo ?? null,
  order_id: orderId,
  order_total: orderTotal,
  at: createdAt.toISOString(),
});

/** The first code's reason is the problem's; with several codes, each that does not apply is a fault. */
function refused(inapplicable: readonly Inapplicable[], codes: readonly string[], currency: string, several: boolean): RedemptionRefused {
  const first = inapplicable[0]!;
  const errors = inapplicable.map(({ code, reason }) => ({ pointer: `/codes/${codes.indexOf(code)}`, code: reason, detail: REASONS[reason][1] }));
  return new RedemptionRefused(first.reason, { params: { promo_code: first.code, ...amountsIn(currency, first.amounts) }, ...(several && { errors }) });
}

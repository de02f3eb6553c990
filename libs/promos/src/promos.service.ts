import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, readBoundedTotal } from '#database';
import { assertVersion, Versioned, type Versions } from '#http';
import { Clock, newId, type Paged, pageWindow, type Tenant, toDecimal, toPage, validationFailed } from '#kernel';
import { SegmentError, Segments } from '#segments';
import { SettingsService } from '#tenants';
import type { CreatePromoDto } from './dto/create-promo.dto.js';
import { PromoDto } from './dto/promo.dto.js';
import type { PromoStatsDto } from './dto/promo-stats.dto.js';
import type { PromoQueryDto } from './dto/promo-query.dto.js';
import type { UpdatePromoDto } from './dto/update-promo.dto.js';
import { isLimited, type Promo, PromoEntity, type PromoStatus } from './promo.entity.js';
import { PromoError } from './promo.errors.js';
import { claimCode, gatherTotals, holdTerms, promoById, promoList } from './promo.queries.js';
import { type PromoDay, promoDays, type PromoTotals, promoTotals } from './promo-stats.queries.js';
import { holdsMoney, readTerms } from './terms.js';

/** Promos as a manager sees them: what they promise, and whether they hold. */
@Injectable()
export class PromosService {
  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly segments: Segments,
    private readonly clock: Clock,
  ) {}

  async list(tenant: Tenant, query: PromoQueryDto): Promise<Paged<PromoDto>> {
    const window = pageWindow<[string]>(query, 'promos', ([id, ...rest]) => typeof id === 'string' && /^promo_\w{1,60}$/.test(id) && rest.length === 0);
    const { status, type, code } = query;
    const [promos, [total], [settings]] = await this.database.read<[Promo[], { total: number }[], { currency: string }[]]>(
      tenant,
      ...promoList(tenant, { status, type, code }, window),
      currencyOf(tenant),
    );
    const counted = code === undefined ? { count: total!.total, relation: 'eq' as const } : readBoundedTotal(total!.total);
    return toPage(promos, window, counted, (promo) => PromoDto.from(promo, settings!.currency), (promo) => [promo.promoId]);
  }

  async get(tenant: Tenant, promoId: string): Promise<Versioned<PromoDto>> {
    const [[promo], [settings]] = await this.database.read<[Promo[], { currency: string }[]]>(tenant, promoById(tenant, promoId), currencyOf(tenant));
    if (promo === undefined) throw new PromoError('promo_not_found');
    return new Versioned(PromoDto.from(promo, settings!.currency), promo.version);
  }

  /** From the counters that redemptions keep, so as fast for a million uses as for one. */
  async stats(tenant: Tenant, promoId: string): Promise<PromoStatsDto> {
    const [[totals], days] = await this.database.read<[PromoTotals[], PromoDay[]]>(tenant, promoTotals(tenant, promoId), promoDays(tenant, promoId));
    if (totals === undefined) throw new PromoError('promo_not_found');
    const decimal = (minor: number): number => toDecimal(minor, totals.currency);
    const left = (limit: number | null, used: number): number | null => (limit === null ? null : Math.max(0, limit - used));
    const remainingBudget = left(totals.budget, totals.discount);
    return {
      uses: totals.uses,
      customers: totals.customers,
      discount_amount: decimal(totals.discount),
      order_revenue: decimal(totals.revenue),
      remaining_uses: left(totals.usageLimit, totals.uses),
      remaining_budget: remainingBudget === null ? null : decimal(remainingBudget),
      by_day: days.map(({ date, uses, discount, revenue }) => ({ date, uses, discount_amount: decimal(discount), order_revenue: decimal(revenue) })),
    };
  }

  create(tenant: Tenant, dto: CreatePromoDto): Promise<Versioned<PromoDto>> {
    return this.database.inTenant(tenant, (tx) => this.createIn(tx, tenant, dto));
  }

  /** @throws PromoError promo_code_exists */
  async createIn(tx: EntityManager, tenant: Tenant, { code, type, ...dto }: CreatePromoDto): Promise<Versioned<PromoDto>> {
    const { currency } = await this.settings.of(tx, tenant);
    const { terms, faults } = readTerms(type, dto, currency);
    if (faults.length > 0) throw validationFailed(faults);
    if (holdsMoney(type, terms)) await this.settings.recordMoney(tx, tenant, currency);
    const at = this.clock.now();
    const segmentNo = await this.segmentNo(tx, tenant, terms.segmentId);
    const promo: Omit<PromoEntity, 'promoNo'> = {
      ...terms, tenantId: tenant.id, promoId: newId('promo', at.getTime()), code, type, segmentNo, status: 'active', createdAt: at, updatedAt: at, version: 1,
    };
    const { promoNo } = (await tx.insert(PromoEntity, promo)).generatedMaps[0] as { promoNo: number };
    if (!(await claimCode(tx, tenant, code, promoNo))) throw new PromoError('promo_code_exists');
    return new Versioned(PromoDto.from({ ...promo, promoNo, uses: 0, discounted: 0 }, currency), promo.version);
  }

  /** Waits for the redemptions under way: from its commit on, the new terms and limits hold for every use, those before included. */
  async update(tenant: Tenant, promoId: string, dto: UpdatePromoDto, ifMatch?: Versions): Promise<Versioned<PromoDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      await holdTerms(tx, tenant, promoId);
      const promo = await this.locked(tx, tenant, promoId, ifMatch);
      if (promo.status === 'archived') throw new PromoError('invalid_state', { detail: 'An archived promo does not change.' });
      const { currency } = await this.settings.of(tx, tenant);
      const { terms, faults } = readTerms(promo.type, dto, currency, promo);
      if (faults.length > 0) throw validationFailed(faults);
      if (holdsMoney(promo.type, terms)) await this.settings.recordMoney(tx, tenant, currency);
      const segmentNo = terms.segmentId === promo.segmentId ? promo.segmentNo : await this.segmentNo(tx, tenant, terms.segmentId);
      if (isLimited(terms) && !isLimited(promo)) await gatherTotals(tx, tenant, promo);
      return this.changed(tx, tenant, promo, { ...terms, segmentNo }, currency);
    });
  }

  /** Gives a promo that holds `before`, and no archived one, the validity `now`. */
  async reschedule(tx: EntityManager, tenant: Tenant, promoId: string, before: Validity, now: Validity): Promise<void> {
    await holdTerms(tx, tenant, promoId);
    const promo = await tx.findOne(PromoEntity, { where: { tenantId: tenant.id, promoId }, lock: { mode: 'pessimistic_write' } });
    if (promo === null || promo.status === 'archived' || !sameValidity(promo, before)) return;
    await tx.update(PromoEntity, { tenantId: tenant.id, promoNo: promo.promoNo }, { ...now, updatedAt: this.clock.now(), version: promo.version + 1 });
  }

  /** Asking again for the status a promo has changes nothing. An archived promo stays so: its code may be another's by now. */
  async move(tenant: Tenant, promoId: string, status: PromoStatus): Promise<Versioned<PromoDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const promo = await this.locked(tx, tenant, promoId);
      if (promo.status === 'archived' && status !== 'archived') throw new PromoError('invalid_state', { detail: 'An archived promo stays archived.' });
      const { currency } = await this.settings.of(tx, tenant);
      return this.changed(tx, tenant, promo, promo.status === status ? {} : { status }, currency);
    });
  }

  private async locked(tx: EntityManager, tenant: Tenant, promoId: string, ifMatch?: Versions): Promise<PromoEntity> {
    const promo = await tx.findOne(PromoEntity, { where: { tenantId: tenant.id, promoId }, lock: { mode: 'pessimistic_write' } });
    if (promo === null) throw new PromoError('promo_not_found');
    assertVersion(ifMatch, promo.version);
    return promo;
  }

  private async changed(tx: EntityManager, tenant: Tenant, promo: PromoEntity, change: Partial<PromoEntity>, currency: string): Promise<Versioned<PromoDto>> {
    if (Object.keys(change).length > 0) {
      const key = { tenantId: tenant.id, promoNo: promo.promoNo };
      await tx.update(PromoEntity, key, { ...change, updatedAt: this.clock.now(), version: promo.version + 1 });
    }
    const { text, values } = promoById(tenant, promo.promoId);
    const [now] = await tx.query<Promo[]>(text, values);
    return new Versioned(PromoDto.from(now!, currency), now!.version);
  }

  private async segmentNo(tx: EntityManager, tenant: Tenant, segmentId: string | null): Promise<number | null> {
    if (segmentId === null) return null;
    const segment = await this.segments.hold(tx, tenant, segmentId);
    if (segment !== null) return segment.no;
    throw new SegmentError('segment_not_found', {
      errors: [{ pointer: '/customer_segment_id', code: 'segment_not_found', detail: 'There is no such segment.' }],
    });
  }
}

type Validity = Pick<PromoEntity, 'validFrom' | 'validUntil'>;

const sameValidity = (a: Validity, b: Validity): boolean => a.validFrom?.getTime() === b.validFrom?.getTime() && a.validUntil?.getTime() === b.validUntil?.getTime();

const currencyOf = (tenant: Tenant) => ({ name: 'currency_of', text: 'SELECT currency FROM tenant_settings WHERE tenant_id = $1', values: [tenant.id] });

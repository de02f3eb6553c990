import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { normaliseCode, PROMO_CODE } from './promo-code.js';
import { PromoEntity } from './promo.entity.js';
import { PromoError } from './promo.errors.js';
import { promoTotals, type PromoTotals } from './promo-stats.queries.js';
import { type CodeHolder, codeHolders, lockCode, promosByCode } from './promo.queries.js';
import { PromosService } from './promos.service.js';

/** The promo that a campaign announces. */
export interface CampaignPromo {
  code: string;
  /** 25 is 25 %. */
  percent: number;
  /** Whether it is redeemed by codes that customers are given: one that is made for it has no other. */
  unique?: boolean;
  validFrom: Date | null;
  validUntil: Date | null;
}

/** When a campaign's promo holds. */
export type CampaignDates = Pick<CampaignPromo, 'validFrom' | 'validUntil'>;

/** Whether and when a promo can be redeemed, as far as its own terms say. */
export type PromoValidity = Pick<PromoEntity, 'code' | 'status' | 'validFrom' | 'validUntil'>;

/** What other domains may ask about promos. */
@Injectable()
export class Promos {
  constructor(private readonly promos: PromosService) {}

  /**
   * Creates the promo, or finds the one that has the code already and takes the same percentage off.
   *
   * @throws PromoError invalid_promo_code; promo_code_exists when the code promises something else
   */
  async attachToCampaign(tx: EntityManager, tenant: Tenant, want: CampaignPromo): Promise<{ promoId: string; code: string }> {
    const code = normaliseCode(want.code);
    if (!PROMO_CODE.test(code)) throw new PromoError('invalid_promo_code', { errors: [{ pointer: '/promo_code', code: 'matches', detail: 'promo_code is not a promo code' }] });
    await lockCode(tx, tenant, code);
    const standing = (await promosByCode(tx, tenant, [code])).get(code);
    if (standing !== undefined && (standing.status !== 'archived' || standing.assigned !== null)) {
      if (standing.assigned !== null || standing.type !== 'percentage' || standing.value !== Math.round(want.percent * 100)) throw new PromoError('promo_code_exists');
      if (standing.uniqueCodesOnly && !want.unique) throw new PromoError('promo_code_exists', { detail: 'The promo is redeemed by codes that customers were given, not by its own (`unique_codes_only`).' });
      return { promoId: standing.promoId, code };
    }
    const { body } = await this.promos.createIn(tx, tenant, {
      code,
      type: 'percentage',
      value: want.percent,
      unique_codes_only: want.unique ?? false,
      valid_from: want.validFrom?.toISOString(),
      valid_until: want.validUntil?.toISOString(),
    });
    return { promoId: body.id, code };
  }

  /** Moves a promo with its campaign's dates. One that holds at other times than `before` is somebody else's, or was given dates of its own: it stays. */
  follow(tx: EntityManager, tenant: Tenant, promoId: string, before: CampaignDates, now: CampaignDates): Promise<void> {
    return this.promos.reschedule(tx, tenant, promoId, before, now);
  }

  /** @throws EntityNotFoundError when there is no such promo: none is ever deleted */
  validity(tx: EntityManager, tenant: Tenant, promoId: string): Promise<PromoValidity> {
    return tx.findOneOrFail(PromoEntity, { select: { code: true, status: true, validFrom: true, validUntil: true }, where: { tenantId: tenant.id, promoId } });
  }

  /**
   * The promo that had each code at its instant, by which an order names it. An archived promo's code may be another's later on.
   *
   * @param asked codes as tills spell them, and RFC 3339 instants
   * @returns ids, at the same index; null for no code, and one that no promo had
   */
  async holders(tx: EntityManager, tenant: Tenant, asked: readonly { code: string | null; at: string }[]): Promise<CodeHolder[]> {
    if (asked.every(({ code }) => code === null)) return asked.map(() => ({ promoId: null, campaignNo: null }));
    return codeHolders(tx, tenant, asked.map(({ code, at }) => ({ code: code && normaliseCode(code), at })));
  }

  /** Whether its limit of uses is reached, or its budget has less left than the average discount: budgets are never split. */
  async isUsedUp(tx: EntityManager, tenant: Tenant, promoId: string): Promise<boolean> {
    const { text, values } = promoTotals(tenant, promoId);
    const [totals] = await tx.query<PromoTotals[]>(text, values as unknown[]);
    if (totals === undefined) return false;
    return (totals.usageLimit !== null && totals.uses >= totals.usageLimit) || (totals.budget !== null && totals.budget - totals.discount < Math.max(1, totals.discount / Math.max(1, totals.uses)));
  }

  /** The codes of promos by their ids; unknown ones are left out. */
  async codesOf(tx: EntityManager, tenant: Tenant, promoIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.query<{ id: string; code: string }[]>('SELECT promo_id AS id, code FROM promos WHERE tenant_id = $1 AND promo_id = ANY($2)', [tenant.id, promoIds]);
    return new Map(rows.map(({ id, code }) => [id, code]));
  }
}

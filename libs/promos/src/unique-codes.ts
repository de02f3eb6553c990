import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { ASSIGNED, RESERVE, TAKE } from './unique-codes.queries.js';

/** Some of a campaign's recipients. */
export interface Recipients {
  /** SQL of their numbers, each once; `$1` is the tenant, `$2` the campaign, `values` are from `$3` on. */
  text: string;
  values: readonly unknown[];
}

/** A drawn code that another has already is drawn anew; that it happens this often in a row means that something else is wrong. */
const DRAWS = 20;

/** Codes of a promo that one customer of a campaign was given, and that redeem once. */
@Injectable()
export class UniqueCodes {
  /** Gives a code to each of the recipients who has none of the campaign yet. */
  async reserve(tx: EntityManager, tenant: Tenant, { campaignNo, promoId }: { campaignNo: number; promoId: string }, { text, values }: Recipients): Promise<void> {
    const statement = RESERVE(text, values.length + 3);
    for (let draw = 0; draw < DRAWS; draw++) {
      const [{ missing } = { missing: 0 }] = await tx.query<{ missing: number }[]>(statement, [tenant.id, campaignNo, ...values, promoId]);
      if (missing === 0) return;
    }
    throw new Error('No codes to be had');
  }

  /** The codes that customers have of the campaign, by customer number. */
  async of(tx: EntityManager, tenant: Tenant, campaignNo: number, customerNos: readonly number[]): Promise<Map<number, string>> {
    if (customerNos.length === 0) return new Map();
    const rows = await tx.query<{ customer_no: number; code: string }[]>(ASSIGNED, [tenant.id, campaignNo, customerNos]);
    return new Map(rows.map(({ customer_no, code }) => [customer_no, code]));
  }

  /** Uses each code up, for the redemption at the same index. @returns those that were used up already */
  async take(tx: EntityManager, tenant: Tenant, taken: readonly { code: string; redemptionId: string }[]): Promise<string[]> {
    if (taken.length === 0) return [];
    const rows = await tx.query<{ code: string }[]>(TAKE, [tenant.id, taken.map(({ code }) => code), taken.map(({ redemptionId }) => redemptionId)]);
    const done = new Set(rows.map(({ code }) => code));
    return taken.flatMap(({ code }) => (done.has(code) ? [] : [code]));
  }

  /** The opposite: the code redeems once more. */
  async giveBack(tx: EntityManager, tenant: Tenant, code: string, redemptionId: string): Promise<void> {
    await tx.query('UPDATE promo_codes SET redemption_id = NULL WHERE tenant_id = $1 AND code = $2 AND redemption_id = $3', [tenant.id, code, redemptionId]);
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Assigned, CodedPromo } from './promo.entity.js';
import { ASSIGNED, DROP_UNTOLD, RESERVE, TAKE } from './unique-codes.queries.js';

/** A drawn code that another has already is drawn anew; that it happens this often in a row means that something else is wrong. */
const DRAWS = 20;

/** Of customers of campaigns, who may have read the message with their code: their places in the list. */
export type WhoWasTold = (tx: EntityManager, tenant: Tenant, given: readonly Pick<Assigned, 'campaignNo' | 'customerNo'>[]) => Promise<ReadonlySet<number>>;

/** Codes of a promo that one customer of a campaign was given, and that redeem once. */
@Injectable()
export class UniqueCodes {
  private whoWasTold: WhoWasTold = (_tx, _tenant, given) => Promise.resolve(new Set(given.keys()));

  /** Lets the domain that sends messages say who was told their code. Call while modules initialise. */
  register(whoWasTold: WhoWasTold): void {
    this.whoWasTold = whoWasTold;
  }

  /** The promos, by code, without the codes that customers were never told: nobody can know such a code, only guess it. */
  async withoutUntold(tx: EntityManager, tenant: Tenant, promos: Map<string, CodedPromo>): Promise<Map<string, CodedPromo>> {
    const given = [...promos].flatMap(([code, { assigned }]) => (assigned === null ? [] : [{ code, ...assigned }]));
    if (given.length === 0) return promos;
    const told = await this.whoWasTold(tx, tenant, given);
    const untold = new Set(given.filter((_, place) => !told.has(place)).map(({ code }) => code));
    return new Map([...promos].filter(([code]) => !untold.has(code)));
  }

  /** Gives a code to each of the customers who has none of the campaign yet. */
  async reserve(tx: EntityManager, tenant: Tenant, { campaignNo, promoId }: { campaignNo: number; promoId: string }, customerNos: readonly number[]): Promise<void> {
    let wanting = customerNos;
    for (let draw = 0; draw < DRAWS && wanting.length > 0; draw++) {
      const [{ made } = { made: 0 }] = await tx.query<{ made: number }[]>(RESERVE, [tenant.id, campaignNo, promoId, wanting]);
      if (made === wanting.length) return;
      const known = await this.of(tx, tenant, campaignNo, wanting);
      wanting = wanting.filter((customerNo) => !known.has(customerNo));
    }
    if (wanting.length > 0) throw new Error('No codes to be had');
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

  /**
   * Takes back codes of a merged customer that no message has told, so that a person has one of a campaign, unless they were told two.
   *
   * @param untold the campaigns in which `from` was told none, and in which `into` was not but `from` was
   */
  async dropUntold(tx: EntityManager, tenant: Tenant, from: number, into: number, untold: { from: number[]; into: number[] }): Promise<void> {
    await tx.query(DROP_UNTOLD, [tenant.id, from, into, untold.from, untold.into]);
  }

  /** The opposite of {@link take}: the code redeems once more. */
  async giveBack(tx: EntityManager, tenant: Tenant, code: string, redemptionId: string): Promise<void> {
    await tx.query('UPDATE promo_codes SET redemption_id = NULL WHERE tenant_id = $1 AND code = $2 AND redemption_id = $3', [tenant.id, code, redemptionId]);
  }
}

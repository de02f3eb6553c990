import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { PersonalDataSource, Timeline } from '#customers';
import { type JsonObject, type Tenant, toDecimal } from '#kernel';
import { forgetCustomer, mergeCustomers, redemptionsOfCustomer, rollbacksOfCustomer } from './redemption.queries.js';
import type { Redemption } from './redemption.js';

/** What promos know of a person: the codes they used. The ledger stays when a person goes, without their name. */
@Injectable()
export class PromoPersonalData implements PersonalDataSource {
  readonly name = 'redemptions';

  readonly timelines: Record<'redemption' | 'rollback', Timeline> = {
    redemption: async (tx, tenant, customerNo, limit, position) =>
      (await redemptionsOfCustomer(tx, tenant, customerNo, limit, position)).map((redemption) => ({ at: redemption.createdAt, key: redemption.redemptionId, data: told(redemption) })),
    rollback: async (tx, tenant, customerNo, limit, position) =>
      (await rollbacksOfCustomer(tx, tenant, customerNo, limit, position)).map((redemption) => ({ at: redemption.rolledBackAt!, key: redemption.redemptionId, data: told(redemption) })),
  };

  async export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<JsonObject[]> {
    const redemptions = await redemptionsOfCustomer(tx, tenant, customerNo, null, { at: null, key: null });
    return redemptions.map((redemption) => ({ ...told(redemption), created_at: redemption.createdAt.toISOString(), rolled_back_at: redemption.rolledBackAt?.toISOString() ?? null, rollback_reason: redemption.rollbackReason }));
  }

  erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    return forgetCustomer(tx, tenant, customerNo);
  }

  merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    return mergeCustomers(tx, tenant, from, into);
  }
}

const told = ({ redemptionId, code, orderId, status, discount, currency }: Redemption): JsonObject => ({
  id: redemptionId,
  code,
  order_id: orderId,
  status,
  discount_amount: toDecimal(discount, currency),
});

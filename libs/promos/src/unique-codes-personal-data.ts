import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { PersonalDataSource } from '#customers';
import type { JsonObject, Tenant } from '#kernel';
import { FORGET_CODES, MOVE_CODES, OF_CUSTOMER } from './unique-codes.queries.js';

/** The codes that a person was given. Without the person, nobody's code redeems. */
@Injectable()
export class UniqueCodesPersonalData implements PersonalDataSource {
  readonly name = 'promo_codes';
  readonly timelines = {};

  export(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<JsonObject[]> {
    return tx.query<JsonObject[]>(OF_CUSTOMER, [tenant.id, customerNo]);
  }

  async erase(tx: EntityManager, tenant: Tenant, customerNo: number): Promise<void> {
    await tx.query(FORGET_CODES, [tenant.id, customerNo]);
  }

  async merge(tx: EntityManager, tenant: Tenant, from: number, into: number): Promise<void> {
    await tx.query(MOVE_CODES, [tenant.id, from, into]);
  }
}

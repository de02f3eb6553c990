import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, type Tenant, validationFailed } from '#kernel';
import { AuditLog } from '#tenants';
import { CustomerError } from './customers.errors.js';
import { ADD_ALIAS, LOCK_BY_NO, LOCK_TO_REMOVE, MERGE_DATES, MOVE_ALIASES, UPDATE_PROFILES } from './customers.queries.js';
import { FormerNames } from './former-names.js';
import { mergeProfiles } from './merge.js';
import { PersonalData } from './personal-data.js';
import { profileColumns } from './profile-columns.js';
import { ProfileWriter } from './profile-writer.js';
import type { CustomerProfile } from './profile.js';
import { optOutsOf } from './suppressions.js';

/** Looks again for what was written under a number after it was merged away. */
export const MERGE_AGAIN = jobType<{ merged_no: number }>('customers-merge-again', { retries: 20 });

/**
 * Who writes under a customer's number holds the customer, and the merge waits; but messages in a sender's hands settle, under the number that they have, later.
 * No transaction and no sender's lease lasts as long as the last of these, in milliseconds.
 */
const AGAIN_AFTER = [60_000, 15 * 60_000];

/** Makes one customer of two that are the same person. */
@Injectable()
export class CustomerMerge implements OnModuleInit {
  constructor(
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly formerNames: FormerNames,
    private readonly jobs: Jobs,
    private readonly personalData: PersonalData,
    private readonly writer: ProfileWriter,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(MERGE_AGAIN, (tenant, { merged_no }) => this.again(tenant, merged_no));
  }

  /**
   * @param customerId who stays
   * @param from who is merged away; that id means `customerId` from now on
   * @throws CustomerError customer_not_found, customer_merged
   */
  async merge(tx: EntityManager, tenant: Tenant, actor: string, customerId: string, from: string): Promise<void> {
    if (customerId === from) throw validationFailed([{ pointer: '/from', code: 'same_customer', detail: 'A customer cannot be merged into itself.' }]);
    const pair = await this.lock(tx, tenant, customerId, from);
    if (pair === null) return; // it was done before
    const { survivor, merged } = pair;
    const profile = { ...mergeProfiles(survivor, merged), version: survivor.version + 1 };
    await tx.query(UPDATE_PROFILES, [tenant.id, this.clock.now(), ...profileColumns([profile])]);
    for (const source of this.personalData.sources) await source.merge(tx, tenant, merged.customer_no, survivor.customer_no);
    await this.formerNames.merge(tx, tenant, merged.customer_no, survivor.customer_no);
    await this.formerNames.keep(tx, tenant, this.clock.now(), [survivor, merged].map((before) => ({ before, now: profile })));
    await tx.query(MERGE_DATES, [tenant.id, survivor.customer_no, merged.customer_no]);
    await tx.query(MOVE_ALIASES, [tenant.id, merged.customer_no, survivor.customer_no]);
    await tx.query(ADD_ALIAS, [tenant.id, merged.customer_id, merged.customer_no, survivor.customer_no, this.clock.now()]);
    await tx.query('DELETE FROM customers WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, merged.customer_no]);
    await this.writer.mark(tx, tenant, [survivor.customer_no, merged.customer_no]); // the merged one, too: who is following it may not see that it goes
    // The address that the person has now is opted out as the person is, for whoever else has it.
    await this.writer.close(tx, tenant, optOutsOf(profile).map((one) => ({ ...one, source: 'merge' })), 'act');
    for (const delay of AGAIN_AFTER) await this.jobs.enqueue(tx, tenant, MERGE_AGAIN, { merged_no: merged.customer_no }, { startAfter: new Date(this.clock.now().getTime() + delay) });
    await this.auditLog.add(tx, tenant, actor, 'customer.merged', { customer_no: survivor.customer_no, merged_no: merged.customer_no });
  }

  /** Gives the survivor what came in under the merged number since. */
  async again(tenant: Tenant, mergedNo: number): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const survivor = (await this.writer.survivors(tx, tenant, [mergedNo])).get(mergedNo);
      if (survivor === undefined) return; // erased
      await tx.query(LOCK_BY_NO, [tenant.id, [survivor]]);
      for (const source of this.personalData.sources) await source.merge(tx, tenant, mergedNo, survivor);
      await this.writer.mark(tx, tenant, [survivor]);
    });
  }

  /** Both, locked in the order of their numbers; null when `from` is an alias of the survivor already. */
  private async lock(tx: EntityManager, tenant: Tenant, customerId: string, from: string): Promise<{ survivor: CustomerProfile; merged: CustomerProfile } | null> {
    const numbers = await this.writer.numbersOf(tx, tenant, [customerId, from]);
    const [intoNo, fromNo] = [numbers.get(customerId), numbers.get(from)];
    if (intoNo === undefined || fromNo === undefined) throw new CustomerError('customer_not_found', { detail: `There is no customer ${intoNo === undefined ? customerId : from}.` });
    const locked = await tx.query<CustomerProfile[]>(LOCK_TO_REMOVE, [tenant.id, [intoNo, fromNo]]);
    const [survivor, merged] = [intoNo, fromNo].map((no) => locked.find((profile) => profile.customer_no === no));
    if (survivor === undefined || merged === undefined) return this.lock(tx, tenant, customerId, from); // merged or erased while we waited
    if (intoNo === fromNo && merged.customer_id === from) throw new CustomerError('customer_merged', { detail: `${customerId} was merged into ${from} already.` });
    if (intoNo === fromNo) return null;
    if (merged.customer_id !== from) throw new CustomerError('customer_merged', { detail: `${from} was merged into ${merged.customer_id} already.` });
    return { survivor, merged };
  }
}

import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Database, sqlState } from '#database';
import { Jobs, jobType } from '#jobs';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { Membership } from './membership.js';
import { TAKE_CHANGED } from './membership.queries.js';
import { SegmentRepairs } from './segment-repairs.js';

/** Computes a segment too large to be computed while its creator waits. */
export const REBUILD = jobType<{ segment_no: number }>('segments.rebuild', { collapse: true });

/** Customers of one transaction: enough that its fixed cost is nothing, few enough that it is short. */
const BATCH = 10_000;
/** A batch that takes too long is tried again in parts, down to this. */
const LEAST = 10;
const STATEMENT_TIMEOUT = '57014';

/** Has dynamic segments follow data within seconds, and time within a minute. */
@Injectable()
export class SegmentSweeps implements OnModuleInit {
  private readonly logger = new Logger(SegmentSweeps.name);

  constructor(
    private readonly database: Database,
    private readonly tenants: Tenants,
    private readonly jobs: Jobs,
    private readonly membership: Membership,
    private readonly repairs: SegmentRepairs,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(REBUILD, (tenant, { segment_no }) => this.database.inTenant(tenant, (tx) => this.membership.rebuild(tx, tenant, segment_no)));
    this.jobs.every(1, 'segments.follow', (signal) => this.eachTenant(signal, (tenant) => this.followChanges(tenant)));
    this.jobs.every(15, 'segments.follow-time', (signal) => this.eachTenant(signal, (tenant) => this.followTime(tenant)));
    this.jobs.every(300, 'segments.repair', (signal) => this.eachTenant(signal, (tenant) => this.repairs.run(tenant, signal)));
  }

  /**
   * Takes a batch from the tenant's queue of changed customers and looks at them: one only, so that the other tenants have their turn.
   *
   * @returns whether there may be more
   */
  async followChanges(tenant: Tenant, batch = BATCH): Promise<boolean> {
    const waiting = await this.database.rows(tenant, { text: 'SELECT 1 FROM changed_customers WHERE tenant_id = $1 LIMIT 1', values: [tenant.id], name: 'customers_changed' });
    if (waiting.length === 0) return false;
    try {
      return await this.database.inTenant(tenant, async (tx) => {
        const { records } = (await tx.queryRunner!.query(TAKE_CHANGED, [tenant.id, batch], true)) as { records: { customer_no: number }[] };
        const customers = [...new Set(records.map((row) => row.customer_no))].sort((a, b) => a - b);
        if (customers.length > 0) await this.membership.follow(tx, tenant, customers);
        return records.length > 0; // none: another worker has them
      });
    } catch (error) {
      if (sqlState(error) !== STATEMENT_TIMEOUT || batch <= LEAST) throw error;
      return this.followChanges(tenant, Math.ceil(batch / 10));
    }
  }

  /** Moves those whom time alone has moved. */
  async followTime(tenant: Tenant): Promise<void> {
    await this.database.inTenant(tenant, (tx) => this.membership.followTime(tx, tenant));
  }

  /** One tenant's trouble is not the others'. Returns whether any has more to do. */
  private async eachTenant(signal: AbortSignal, visit: (tenant: Tenant) => Promise<boolean | void>): Promise<boolean> {
    let more = false;
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return false;
      try {
        if (await visit(tenant)) more = true;
      } catch (error) {
        this.logger.error({ msg: 'segments fell behind', tenant: tenant.name, err: error });
      }
    }
    return more;
  }
}

import { Injectable, Logger } from '@nestjs/common';
import { Counter } from 'prom-client';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { Membership } from './membership.js';
import { EXPEL_NOBODIES, REPAIR_DONE, REPAIR_ON, SEGMENT_NOS, TAKE_REPAIR } from './membership.queries.js';
import { LAST_CUSTOMER, RANGE } from './reconciliation.js';
import { SegmentSizes } from './segment-sizes.js';

/** A system without defects repairs nothing: anything but zero is to be explained. */
const repaired = new Counter({ name: 'segment_repairs_total', help: 'Members and sizes of segments that the nightly comparison found wrong and put right.', labelNames: ['what'] });
repaired.inc({ what: 'members' }, 0);
repaired.inc({ what: 'sizes' }, 0);

/** Once a night, at three by the tenant's clock, compares all membership with all customers and puts right what differs. */
@Injectable()
export class SegmentRepairs {
  private readonly logger = new Logger(SegmentRepairs.name);

  constructor(
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly membership: Membership,
    private readonly sizes: SegmentSizes,
    private readonly clock: Clock,
  ) {}

  /** Goes on where the last worker stopped, a range of customers a transaction, until the tenant is done. */
  async run(tenant: Tenant, signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted && (await this.repairRange(tenant)) === 'more');
  }

  private async repairRange(tenant: Tenant): Promise<'more' | 'done' | 'not due'> {
    const result = await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [due] = await tx.query<{ next_no: number }[]>(TAKE_REPAIR, [tenant.id, now]);
      if (due === undefined) return null;
      const range = { from: due.next_no, to: due.next_no + RANGE - 1 };
      const wrong = await this.membership.repair(tx, tenant, range);
      const [{ last }] = await tx.query<[{ last: number | null }]>(LAST_CUSTOMER, [tenant.id]);
      const done = (last ?? 0) <= range.to;
      if (done) await tx.query(REPAIR_DONE, [tenant.id, now, (await this.settings.of(tx, tenant)).timezone]);
      else await tx.query(REPAIR_ON, [tenant.id, range.to + 1]);
      return { wrong, done };
    });
    if (result === null) return 'not due';
    for (const [segment, { entered, exited }] of result.wrong) {
      repaired.inc({ what: 'members' }, entered.length + exited.length);
      this.logger.error({ msg: 'a segment had the wrong members', tenant: tenant.name, segment, missed: entered.length, overstayed: exited.length });
    }
    if (!result.done) return 'more';
    await this.repairLists(tenant);
    return 'done';
  }

  /** What does not follow from criteria: that members of lists exist, and how many members a segment has. */
  private async repairLists(tenant: Tenant): Promise<void> {
    const segments = await this.database.rows<{ segment_no: number }>(tenant, { text: SEGMENT_NOS, values: [tenant.id] });
    for (const { segment_no } of segments) {
      const { nobodies, wrong } = await this.database.inTenant(tenant, async (tx) => {
        await tx.query('SELECT FROM segments WHERE tenant_id = $1 AND segment_no = $2 FOR NO KEY UPDATE', [tenant.id, segment_no]);
        const { records } = (await tx.queryRunner!.query(EXPEL_NOBODIES, [tenant.id, segment_no], true)) as { records: { customer_no: number }[] };
        const exited = records.map((row) => row.customer_no);
        if (exited.length > 0) await this.sizes.move(tx, tenant, new Map([[segment_no, { entered: [], exited }]]), this.clock.now());
        return { nobodies: exited.length, wrong: await this.sizes.repair(tx, tenant, segment_no) };
      });
      if (nobodies > 0) {
        repaired.inc({ what: 'members' }, nobodies);
        this.logger.error({ msg: 'a segment had members who do not exist', tenant: tenant.name, segment_no, overstayed: nobodies });
      }
      if (!wrong) continue;
      repaired.inc({ what: 'sizes' });
      this.logger.error({ msg: 'a segment had the wrong size', tenant: tenant.name, segment_no });
    }
  }
}

import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Counter } from 'prom-client';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { Membership } from './membership.js';
import { EXPEL_NOBODIES, LAST_NUMBER, REPAIR_DONE, REPAIR_ON, SEGMENT_NOS, TAKE_REPAIR } from './membership.queries.js';
import { RANGE } from './reconciliation.js';
import type { Move } from './segment.js';
import { WRONG_SIZE } from './segment-sizes.queries.js';
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
      const nobodies = await this.expelNobodies(tx, tenant, range, now);
      const [{ last }] = await tx.query<[{ last: number | null }]>(LAST_NUMBER, [tenant.id]);
      const done = (last ?? 0) <= range.to;
      if (done) await tx.query(REPAIR_DONE, [tenant.id, now, (await this.settings.of(tx, tenant)).timezone]);
      else await tx.query(REPAIR_ON, [tenant.id, range.to + 1]);
      return { wrong: [...wrong, ...nobodies], done };
    });
    if (result === null) return 'not due';
    for (const [segment, { entered, exited }] of result.wrong) {
      repaired.inc({ what: 'members' }, entered.length + exited.length);
      this.logger.error({ msg: 'a segment had the wrong members', tenant: tenant.name, segment, missed: entered.length, overstayed: exited.length });
    }
    if (!result.done) return 'more';
    await this.repairSizes(tenant);
    return 'done';
  }

  /** Of lists too, which no criteria can be compared with; @returns by the segment's number */
  private async expelNobodies(tx: EntityManager, tenant: Tenant, { from, to }: { from: number; to: number }, now: Date): Promise<Map<number, Move>> {
    const { records } = (await tx.queryRunner!.query(EXPEL_NOBODIES, [tenant.id, from, to], true)) as { records: { segment_no: number; customer_no: number }[] };
    const moves = new Map<number, Move>();
    for (const { segment_no, customer_no } of records) moves.set(segment_no, { entered: [], exited: [...(moves.get(segment_no)?.exited ?? []), customer_no] });
    await this.sizes.move(tx, tenant, moves, now);
    return moves;
  }

  /** Counts each segment's members beside its size, both as one instant has them; only one that differs is locked, and counted again. */
  private async repairSizes(tenant: Tenant): Promise<void> {
    const segments = await this.database.rows<{ segment_no: number }>(tenant, { text: SEGMENT_NOS, values: [tenant.id] });
    for (const { segment_no } of segments) {
      const differing = await this.database.rows(tenant, { text: WRONG_SIZE, values: [tenant.id, segment_no] });
      if (differing.length === 0) continue;
      const wrong = await this.database.inTenant(tenant, async (tx) => {
        await tx.query('SELECT FROM segments WHERE tenant_id = $1 AND segment_no = $2 FOR NO KEY UPDATE', [tenant.id, segment_no]);
        return this.sizes.repair(tx, tenant, segment_no);
      });
      if (!wrong) continue;
      repaired.inc({ what: 'sizes' });
      this.logger.error({ msg: 'a segment had the wrong size', tenant: tenant.name, segment_no });
    }
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import type { Settings } from '#tenants';
import { dependsOnZone } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import { parseCriteria } from './criteria.parse.js';
import { DYNAMIC, type DynamicRow } from './membership.queries.js';
import { SegmentSizes } from './segment-sizes.js';
import { REBUILD } from './segment-sweeps.js';

/** Segments that one refusal names. */
const NAMED = 5;

/** What a change of the tenant's settings means for the segments it has. */
@Injectable()
export class SettingsChanges {
  constructor(
    private readonly fields: CriteriaFields,
    private readonly jobs: Jobs,
    private readonly sizes: SegmentSizes,
  ) {}

  /**
   * Where days begin elsewhere, other birthdays are near: following time sees only that a day has passed, so those segments are computed anew.
   * A currency in which stored criteria would mean nothing, such as 10.5 in yen, is refused: their segments would stand still for ever.
   *
   * @returns why the change cannot be, or null
   */
  async follow(tx: EntityManager, tenant: Tenant, before: Settings, after: Settings): Promise<string | null> {
    if (before.timezone === after.timezone && before.currency === after.currency) return null;
    const segments = await tx.query<DynamicRow[]>(DYNAMIC, [tenant.id]);
    const read = (row: DynamicRow, { currency }: Settings) => parseCriteria(row.criteria, '', { fields: this.fields, currency }).criteria;
    const lost = segments.filter((row) => read(row, before) !== null && read(row, after) === null).map((row) => row.segment_id);
    if (lost.length > 0) {
      const more = lost.length > NAMED ? ` and ${lost.length - NAMED} more` : '';
      return `Criteria hold amounts that ${after.currency} cannot express; change them first: ${lost.slice(0, NAMED).join(', ')}${more}.`;
    }
    if (before.timezone === after.timezone) return null;
    await this.sizes.foldDaysAhead(tx, tenant);
    for (const row of segments) {
      const criteria = read(row, after);
      if (criteria !== null && dependsOnZone(criteria)) await this.jobs.enqueue(tx, tenant, REBUILD, { segment_no: row.segment_no }, { key: String(row.segment_no) });
    }
    return null;
  }
}

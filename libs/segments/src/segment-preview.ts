import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { compileCriteria } from './criteria.compile.js';
import { references } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import { DynamicSegments } from './dynamic-segments.js';
import type { SegmentMemberDto, SegmentPreviewDto } from './dto/segment-member.dto.js';
import { PreviewSegmentDto } from './dto/write-segment.dto.js';
import { dateIn } from './elapsed.js';
import { Params } from './params.js';
import { SegmentInput } from './segment-input.js';

const SAMPLE = 10;

/** Says whom criteria would take, without a segment. */
@Injectable()
export class SegmentPreview {
  constructor(
    private readonly database: Database,
    private readonly input: SegmentInput,
    private readonly dynamic: DynamicSegments,
    private readonly fields: CriteriaFields,
    private readonly settings: SettingsService,
    private readonly clock: Clock,
  ) {}

  async preview(tenant: Tenant, body: unknown): Promise<SegmentPreviewDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const { criteria } = await this.input.read(tx, tenant, PreviewSegmentDto, body, () => 'required');
      const { timezone } = await this.settings.of(tx, tenant);
      const now = this.clock.now();
      const params = new Params(tenant.id);
      const segmentNos = await this.dynamic.numbersOf(tx, tenant, references(criteria!));
      const condition = compileCriteria(criteria!, { params, now, today: dateIn(timezone, now), segmentNos, events: this.fields.events, within: null });
      const matching = `FROM customers c WHERE c.tenant_id = $1 AND (${condition})`;
      await tx.query(`SELECT set_config('work_mem', '64MB', true)`);
      const [counted] = await tx.query<{ size: number }[]>(`SELECT count(*)::int AS size ${matching}`, params.values);
      const sample = counted!.size === 0 ? [] : await tx.query<SegmentMemberDto[]>(`SELECT c.customer_id, c.email, c.first_name, c.last_name ${matching} LIMIT ${SAMPLE}`, params.values);
      return { size: counted!.size, sample };
    });
  }
}

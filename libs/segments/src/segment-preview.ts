import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, HeavyReads } from '#database';
import { Clock, localDay, type Tenant, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import { compileCriteria } from './criteria.compile.js';
import { references } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import { DynamicSegments } from './dynamic-segments.js';
import type { SegmentMemberDto } from './dto/segment-member.dto.js';
import type { SegmentPreviewDto } from './dto/segment-preview.dto.js';
import { PreviewSegmentDto } from './dto/write-segment.dto.js';
import type { Field } from './field.js';
import { Params } from './params.js';
import { within } from './scope.js';
import { SegmentInput } from './segment-input.js';
import { countValues, type CountRow, readCounts } from './value-counts.js';

const SAMPLE = 10;
/** Where a sample is looked for first: among so few customers that it costs next to nothing beside the count. */
const NEAR = { from: 0, to: 49_999 };

const TOP = 20;

/** `FROM customers c WHERE …` of those who match, and the values it needs. */
type Matching = { sql: string; params: Params };

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
    private readonly heavyReads: HeavyReads,
  ) {}

  preview(tenant: Tenant, body: unknown): Promise<SegmentPreviewDto> {
    return this.heavyReads.run(tenant, () => this.look(tenant, body));
  }

  private look(tenant: Tenant, body: unknown): Promise<SegmentPreviewDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const { criteria, input } = await this.input.read(tx, tenant, PreviewSegmentDto, body, () => 'required');
      const fields = this.categorical(input.breakdown ?? []);
      const { timezone } = await this.settings.of(tx, tenant);
      const segmentNos = await this.dynamic.numbersOf(tx, tenant, references(criteria!));
      const now = this.clock.now();
      const matching = (scope: typeof NEAR | null): Matching => {
        const params = new Params(tenant.id);
        const among = scope === null ? null : within(scope, params).within;
        const condition = compileCriteria(criteria!, { params, now, today: localDay(now, timezone), segmentNos, events: this.fields.events, within: among });
        return { sql: `FROM customers c WHERE c.tenant_id = $1${among === null ? '' : ` AND ${among('c.customer_no')}`} AND (${condition})`, params };
      };
      await tx.query(`SELECT set_config('work_mem', '64MB', true)`);
      const near = await sample(tx, matching(NEAR));
      if (fields.length > 0) {
        const { size, breakdown } = await breakDown(tx, fields, matching(null));
        return { size, sample: near.length === Math.min(size, SAMPLE) ? near : await sample(tx, matching(null)), breakdown };
      }
      return near.length === SAMPLE ? { size: await count(tx, matching(null)), sample: near } : countAndSample(tx, tenant, matching(null));
    });
  }

  private categorical(names: readonly string[]): Field[] {
    const fields = names.map((name) => this.fields.categorical(name));
    const faults = fields.flatMap((field, at) => (field === undefined ? [{ pointer: `/breakdown/${at}`, code: 'unknown_field', detail: 'Expected one of the categorical fields of GET /segments/fields.' }] : []));
    if (faults.length > 0) throw validationFailed(faults);
    return fields as Field[];
  }
}

const PERSON = 'c.customer_id, c.email, c.first_name, c.last_name';

const sample = (tx: EntityManager, { sql, params }: Matching): Promise<SegmentMemberDto[]> => tx.query(`SELECT ${PERSON} ${sql} LIMIT ${SAMPLE}`, params.values);

async function count(tx: EntityManager, { sql, params }: Matching): Promise<number> {
  const [counted] = await tx.query<{ size: number }[]>(`SELECT count(*)::int AS size ${sql}`, params.values);
  return counted!.size;
}

/** In one scan, though it gathers the numbers of all who match: for criteria that few do. */
async function countAndSample(tx: EntityManager, tenant: Tenant, { sql, params }: Matching): Promise<SegmentPreviewDto> {
  const [found] = await tx.query<{ size: number; numbers: number[] | null }[]>(`SELECT count(*)::int AS size, (array_agg(c.customer_no))[1:${SAMPLE}] AS numbers ${sql}`, params.values);
  const { size, numbers } = found!;
  return { size, sample: numbers === null ? [] : await tx.query(`SELECT ${PERSON} FROM customers c WHERE c.tenant_id = $1 AND c.customer_no = ANY ($2::int[])`, [tenant.id, numbers]) };
}

async function breakDown(tx: EntityManager, fields: readonly Field[], { sql, params }: Matching): Promise<Required<Pick<SegmentPreviewDto, 'size' | 'breakdown'>>> {
  const [found] = await tx.query<{ size: number; counts: CountRow[] }[]>(countValues(fields, sql, TOP, params), params.values);
  return { size: found!.size, breakdown: fields.map(({ name }, at) => ({ field: name, ...readCounts(found!.counts, at) })) };
}

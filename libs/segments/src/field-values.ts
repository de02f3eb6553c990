import { Injectable } from '@nestjs/common';
import { oneSpelling } from '#customers';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { DAY } from './criteria.js';
import { CriteriaFields } from './criteria-fields.js';
import type { FieldValuesDto, FieldValuesQueryDto } from './dto/field-values.dto.js';
import { Params } from './params.js';
import { SegmentError } from './segment.errors.js';
import { type Counted, countValues, type CountRow, readCounts } from './value-counts.js';

/** Customers looked at, of however many there are: some 30 ms, and a value that one in a thousand has is all but surely among them. */
const SAMPLE = 5_000;
/** Of whom what they did is looked at: it takes longer. */
const EVENT_SAMPLE = 500;
/** How far back they may have done it: further, every month is another table to look into. */
const EVENT_DAYS = 90;
/** As many as fit a menu. */
const TOP = 50;

/** Stands for the types of events. */
const EVENT = 'event';

/** The names of a tenant's attributes. */
const ATTRIBUTE_NAMES: Counted = { type: 'list', sql: 'ARRAY(SELECT jsonb_object_keys(c.attributes))' };

/** Suggests values for criteria, from a sample of the customers. */
@Injectable()
export class FieldValues {
  constructor(
    private readonly database: Database,
    private readonly fields: CriteriaFields,
    private readonly clock: Clock,
  ) {}

  /** @throws SegmentError segment_field_not_found for what is no category of customers */
  async suggest(tenant: Tenant, name: string, { q }: FieldValuesQueryDto): Promise<FieldValuesDto> {
    const params = new Params(tenant.id);
    const field = this.find(name, params);
    if (field === undefined) throw new SegmentError('segment_field_not_found');
    const [last] = await this.database.rows<{ no: number }>(tenant, { text: 'SELECT coalesce(max(customer_no), 0) AS no FROM customers WHERE tenant_id = $1', values: [tenant.id], name: 'customers_last' });
    const step = Math.ceil((last!.no + 1) / (name === EVENT ? EVENT_SAMPLE : SAMPLE));
    const sample = `FROM customers c WHERE c.tenant_id = $1 AND c.customer_no = ANY (${sampled(last!.no, step, params)})`;
    const text = countValues([field], sample, TOP, params, q === undefined || name === EVENT ? q : oneSpelling(q)); // events are kept as they were told
    const [found] = await this.database.rows<{ counts: CountRow[] }>(tenant, { text, values: params.values });
    const { values } = readCounts(found!.counts, 0);
    return { data: values.map(({ value, size }) => ({ value, size: size * step })), approximate: step > 1 };
  }

  private find(name: string, params: Params): Counted | undefined {
    if (name === 'attributes') return ATTRIBUTE_NAMES;
    if (name === EVENT && this.fields.events !== null) {
      const since = new Date(this.clock.now().getTime() - EVENT_DAYS * DAY);
      return { type: 'list', sql: this.fields.events.typesOf('c', `${params.add(since)}::timestamptz`) };
    }
    return this.fields.categorical(name);
  }
}

/**
 * Numbers of customers, one of every `step`. Customers are numbered without gaps to speak of, so any choice of numbers is a choice of
 * customers, found by their key; each step's own number is scattered, lest a sample fall in with a rhythm of the data.
 */
const sampled = (last: number, step: number, params: Params): string =>
  `ARRAY(SELECT n * ${params.add(step)}::int + abs(hashint4(n) % ${params.add(step)}::int) FROM generate_series(0, ${params.add(Math.floor(last / step))}::int) n)`;

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CriteriaFields, type EventCondition, type EventSource, jsonTest, negate, type Params } from '#segments';
import { ORDER_COMPLETED, ORDER_REFUNDED } from './event-reader.js';
import { STAGE_OF_TYPE } from './stages.js';

/** An order's fields as JSON; its total in minor units, as it was ordered. */
const ORDER: Readonly<Record<string, string>> = {
  id: 'to_jsonb(o.order_id)',
  total: 'to_jsonb(o.total)',
  promo_code: 'to_jsonb(o.promo_code)',
  location_id: 'to_jsonb(o.location_id)',
  channel: 'to_jsonb(o.channel)',
  items: 'o.items',
};

type Where = EventCondition['where'][number];

/** Lets segments ask for what customers did: `{"event": {"name": …, "where": …, "count": …, "within": …}}`. */
@Injectable()
export class EventCriteria implements EventSource, OnModuleInit {
  readonly orderFields = Object.keys(ORDER);

  readonly types = [...Object.keys(STAGE_OF_TYPE), ORDER_REFUNDED];

  constructor(private readonly fields: CriteriaFields) {}

  onModuleInit(): void {
    this.fields.contributeEvents(this);
  }

  typesOf(customer: string, since: string): string {
    return `ARRAY(SELECT DISTINCT e.type FROM events e WHERE e.tenant_id = $1 AND e.customer_no = ${customer}.customer_no AND e.occurred_at > ${since})`;
  }

  select(event: EventCondition, params: Params, { after, until, within }: Parameters<EventSource['select']>[2]): string {
    const conditions = [
      `e.tenant_id = $1 AND e.type = ${params.add(event.name)}::text`,
      // An order told again is kept without a stage: each order counts once.
      event.name === ORDER_COMPLETED && `e.stage = '${STAGE_OF_TYPE[ORDER_COMPLETED]}'`,
      within?.('e.customer_no'),
      after && `e.occurred_at > ${params.add(after)}::timestamptz`,
      until && `e.occurred_at <= ${params.add(until)}::timestamptz`,
      ...event.where.map((where) => condition(where, params)),
    ];
    const order = event.where.some(({ path }) => path[0] === 'order') ? ' LEFT JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id' : '';
    return `SELECT e.customer_no FROM events e${order} WHERE ${conditions.filter(Boolean).join(' AND ')}`;
  }
}

/** Holds when any value at the path passes. The path goes as a jsonpath value, whose lax mode steps into each element of a list on the way. */
function condition({ path: [root, ...steps], test }: Where, params: Params): string {
  const inside = root === 'order' ? steps.slice(1) : steps;
  const json = root === 'order' ? ORDER[steps[0]!]! : 'e.properties';
  const path = `$${inside.map((step) => `.${JSON.stringify(step)}`).join('')}`;
  return negate(test, `EXISTS (SELECT 1 FROM jsonb_path_query(${json}, ${params.add(path)}::jsonpath) at (value) WHERE ${jsonTest('at.value', test, params)})`);
}

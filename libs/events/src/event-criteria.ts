import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CriteriaFields, type EventCondition, type EventPath, type EventSource, jsonTest, negate, type Params, type Spelling, type Test } from '#segments';
import type { OrderItemDto } from './dto/record-events.dto.js';
import { ORDER_COMPLETED, ORDER_REFUNDED } from './event-reader.js';
import { STAGE_OF_TYPE } from './stages.js';

/** A code as orders keep it. */
const CODE: Spelling = { expects: 'a text', whole: (text) => text.trim().toUpperCase(), part: (text) => text.toUpperCase() };

type OrderPath = EventPath & { sql: string };

/** What is known of an order and, of each of its items, what the caller told (`OrderItemDto`). */
const ORDER: readonly OrderPath[] = [
  { path: 'order.id', label: 'Order id', type: 'text', sql: 'to_jsonb(o.order_id)', description: 'The caller’s own id of the order.' },
  { path: 'order.total', label: 'Order total', type: 'money', sql: 'to_jsonb(o.total)', description: 'As it was ordered, whatever was refunded since.' },
  { path: 'order.promo_code', label: 'Promo code', type: 'text', spelling: CODE, sql: 'to_jsonb(o.promo_code)', description: 'The code that was redeemed with it; upper and lower case are the same.' },
  { path: 'order.location_id', label: 'Location', type: 'text', sql: 'to_jsonb(o.location_id)', description: 'Where it was made.' },
  { path: 'order.channel', label: 'Order channel', type: 'text', sql: 'to_jsonb(o.channel)', description: 'How it was ordered, such as `web`, `app`, `dine_in`.' },
  ...item([
    ['id', 'Item id', 'text', 'Id of any item’s line.'],
    ['product_id', 'Product', 'text', 'Product of any item.'],
    ['name', 'Product name', 'text', 'Name of any item.'],
    ['category_ids', 'Category', 'list', 'A category of any item.'],
    ['quantity', 'Quantity', 'number', 'How many of any one item.'],
    ['unit_price', 'Unit price', 'number', 'Price of one of any item.', true],
  ]),
];

function item(members: readonly [keyof OrderItemDto, label: string, type: 'text' | 'list' | 'number', description: string, amount?: boolean][]): OrderPath[] {
  return members.map(([name, label, type, description, amount]) => ({ path: `order.items.${name}`, label, type, amount, sql: 'o.items', description }));
}

const SQL_OF = new Map(ORDER.map(({ path, sql }) => [path, sql]));

type Where = EventCondition['where'][number];

/** Lets segments ask for what customers did: `{"event": {"name": …, "where": …, "count": …, "within": …}}`. */
@Injectable()
export class EventCriteria implements EventSource, OnModuleInit {
  readonly orderPaths = ORDER;

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
function condition({ path: [root, ...steps], type, test }: Where, params: Params): string {
  const [json, inside] = root === 'order' ? [SQL_OF.get([root, ...steps].join('.'))!, steps.slice(1)] : ['e.properties', steps];
  const isList = type === 'list';
  const path = `$${inside.map((step) => `.${JSON.stringify(step)}`).join('')}${isList ? '[*]' : ''}`;
  const each: Test = isList && test.operator === 'contains' ? { ...test, operator: 'eq' } : test;
  return negate(test, `EXISTS (SELECT 1 FROM jsonb_path_query(${json}, ${params.add(path)}::jsonpath) at (value) WHERE ${jsonTest('at.value', each, params)})`);
}

import { Injectable } from '@nestjs/common';
import { normaliseEmail, normalisePhone } from '#customers';
import { CHANNELS } from '#tenants';
import type { EventCondition } from './criteria.js';
import type { Params } from './params.js';
import type { AnyField, Field, RelationField } from './field.js';
import type { Within } from './scope.js';

const column = (name: string, type: Field['type'], description: string, sql = `c.${name}`): Field => ({ name, type, description, sql });

const categorical = (...field: Parameters<typeof column>): Field => ({ ...column(...field), categorical: true });

const PROFILE: readonly Field[] = [
  column('customer_id', 'text', 'The caller’s own id of the customer.'),
  { ...column('email', 'text', 'Email address; upper and lower case are the same.'), spelling: { expects: 'an email address', whole: normaliseEmail, part: (text) => text.toLowerCase() } },
  { ...column('phone', 'text', 'Phone number with its country code, however it is spaced.'), spelling: { expects: 'a phone number such as +14155552671', whole: normalisePhone, part: (text) => text.replace(/[\s().-]/g, '') } },
  column('first_name', 'text', 'First name.'),
  column('last_name', 'text', 'Last name.'),
  categorical('locale', 'text', 'Language tag, such as `de-CH`.'),
  categorical('timezone', 'text', 'IANA time zone of the customer.'),
  categorical('city', 'text', 'City.'),
  column('birthday', 'date', 'Day of birth; `in_next_days` looks at the day and month, from today in the tenant’s zone.'),
  categorical('loyalty_tier', 'text', 'Loyalty tier.'),
  column('loyalty_points', 'integer', 'Loyalty points.'),
  categorical('tags', 'list', 'Tags of the customer.'),
  ...CHANNELS.map((channel): Field => ({ ...categorical(`consent.${channel}`, 'choice', `Consent to ${channel}.`, `c.consent_${channel}`), values: ['subscribed', 'unsubscribed', 'unknown'] })),
];

const FACTS: readonly Field[] = [
  column('order_count', 'integer', 'Completed orders.'),
  column('total_spent', 'money', 'Their total, net of refunds.'),
  column('average_order_value', 'money', 'Total by order, rounded to the currency; 0 without orders.', 'CASE WHEN c.order_count > 0 THEN round(c.total_spent::numeric / c.order_count) ELSE 0 END'),
  column('first_order_at', 'instant', 'When the first order was made.'),
  column('last_order_at', 'instant', 'When the last order was made.'),
  column('created_at', 'instant', 'When the customer was first seen.'),
  column('first_order_days_ago', 'days', '24-hour periods since the first order.', 'c.first_order_at'),
  column('last_order_days_ago', 'days', '24-hour periods since the last order; a customer who never ordered has none.', 'c.last_order_at'),
  { ...column('overdue_ratio', 'ratio', 'Time since the last order ÷ the median time between the customer’s orders: 1 when the next is due, 2 when one was left out. A customer with less than three orders has none.', 'c.last_order_at'), per: 'median_order_gap' },
  column('days_since_signup', 'days', '24-hour periods since the customer was first seen.', 'c.created_at'),
];

const ATTRIBUTE = 'attributes.';

/** Stands in lists for every attribute a tenant may think of. */
export const ANY_ATTRIBUTE: Field = { ...categorical(`${ATTRIBUTE}<name>`, 'attribute', 'Any attribute of the customer; compared when it has the type of the value.', 'c.attributes') };

/** Which events match, as SQL; given by the domain that keeps them. */
export interface EventSource {
  /** What `where` may test of an order: the first step after `order`. */
  readonly orderFields: readonly string[];
  /**
   * `SELECT … FROM … WHERE …` with the one column `customer_no`: a row per matching event of the tenant `$1`.
   *
   * @param span instants: after the first, up to the second
   */
  select(event: EventCondition, params: Params, span: { after: Date | null; until: Date | null; within: Within | null }): string;
}

/** The names that criteria may use: a customer's own, and what higher domains contribute while modules initialise. */
@Injectable()
export class CriteriaFields {
  private readonly known = new Map<string, AnyField>([...PROFILE, ...FACTS].map((field) => [field.name, field]));
  private source: EventSource | null = null;

  contribute(...fields: RelationField[]): void {
    for (const field of fields) this.known.set(field.name, field);
  }

  contributeEvents(source: EventSource): void {
    this.source = source;
  }

  /** Null until a domain that knows events is part of the process. */
  get events(): EventSource | null {
    return this.source;
  }

  find(name: string): AnyField | undefined {
    if (name.startsWith(ATTRIBUTE) && name.length > ATTRIBUTE.length) return { ...ANY_ATTRIBUTE, name, attribute: name.slice(ATTRIBUTE.length) };
    return this.known.get(name);
  }

  /** A field that a breakdown, or a suggestion of values, can be of. */
  categorical(name: string): Field | undefined {
    const field = this.find(name);
    return field !== undefined && !('related' in field) && field.categorical ? field : undefined;
  }

  all(): AnyField[] {
    return [...this.known.values(), ANY_ATTRIBUTE];
  }
}

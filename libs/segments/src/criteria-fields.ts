import { Injectable } from '@nestjs/common';
import { normaliseEmail, normalisePhone, oneSpelling } from '#customers';
import { CHANNELS } from '#tenants';
import type { EventCondition } from './criteria.js';
import { VALUE_TYPES } from './criteria.values.js';
import type { Params } from './params.js';
import type { AnyField, Field, FieldGroup, RelationField, Spelling } from './field.js';
import type { Within } from './scope.js';

type Known = Pick<Field, 'name' | 'label' | 'type' | 'description'> & Partial<Field>;

/** Fields of one group; a field is the column of its name, unless said. */
const group = (name: FieldGroup, fields: Known[]): Field[] => fields.map((field) => ({ group: name, sql: `c.${field.name}`, ...field }));

/** Texts that people write. */
const WRITTEN: Spelling = { expects: 'a text', whole: oneSpelling, part: oneSpelling };
const EMAIL: Spelling = { expects: 'an email address', slow: true, whole: normaliseEmail, part: (text) => oneSpelling(text.toLowerCase()) };
const PHONE: Spelling = { expects: 'a phone number such as +14155552671', slow: true, whole: normalisePhone, part: (text) => text.replace(/[\s().-]/g, '') };

const KNOWN: readonly Field[] = [
  ...group('profile', [
    { name: 'customer_id', label: 'Customer id', type: 'text', always: true, others: { table: 'customer_aliases', column: 'customer_id' }, description: 'The caller’s own id of the customer, or one of a duplicate that was merged into the customer.' },
    { name: 'email', label: 'Email', type: 'text', spelling: EMAIL, description: 'Email address; upper and lower case are the same.' },
    { name: 'phone', label: 'Phone', type: 'text', spelling: PHONE, description: 'Phone number with its country code, however it is spaced.' },
    { name: 'first_name', label: 'First name', type: 'text', spelling: WRITTEN, description: 'First name.' },
    { name: 'last_name', label: 'Last name', type: 'text', spelling: WRITTEN, description: 'Last name.' },
    { name: 'locale', label: 'Language', type: 'text', categorical: true, description: 'Language tag, such as `de-CH`.' },
    { name: 'timezone', label: 'Time zone', type: 'text', categorical: true, description: 'IANA time zone of the customer.' },
    { name: 'city', label: 'City', type: 'text', spelling: WRITTEN, categorical: true, description: 'City.' },
    { name: 'birthday', label: 'Birthday', type: 'date', description: 'Day of birth; `in_next_days` looks at the day and month, from today in the tenant’s zone.' },
    { name: 'loyalty_tier', label: 'Loyalty tier', type: 'text', spelling: WRITTEN, categorical: true, description: 'Loyalty tier.' },
    { name: 'loyalty_points', label: 'Loyalty points', type: 'integer', description: 'Loyalty points.' },
    { name: 'tags', label: 'Tags', type: 'list', spelling: WRITTEN, categorical: true, description: 'Tags of the customer.' },
  ]),
  ...group('consent', CHANNELS.map((channel) => ({
    name: `consent.${channel}`, label: `Consent to ${channel}`, type: 'choice', sql: `c.consent_${channel}`, values: ['subscribed', 'unsubscribed', 'unknown'], always: true, categorical: true,
    description: `Consent to ${channel}.`,
  }))),
  ...group('orders', [
    { name: 'order_count', label: 'Orders', type: 'integer', always: true, description: 'Completed orders.' },
    { name: 'total_spent', label: 'Total spent', type: 'money', always: true, description: 'Their total, net of refunds.' },
    { name: 'average_order_value', label: 'Average order value', type: 'money', always: true, sql: 'CASE WHEN c.order_count > 0 THEN round(c.total_spent::numeric / c.order_count) ELSE 0 END', description: 'Total by order, rounded to the currency; 0 without orders.' },
    { name: 'first_order_at', label: 'First order', type: 'instant', description: 'When the first order was made.' },
    { name: 'last_order_at', label: 'Last order', type: 'instant', description: 'When the last order was made.' },
  ]),
  ...group('time', [
    { name: 'created_at', label: 'Signed up', type: 'instant', always: true, description: 'When the customer was first seen.' },
    { name: 'first_order_days_ago', label: 'Days since first order', type: 'days', sql: 'c.first_order_at', description: '24-hour periods since the first order.' },
    { name: 'last_order_days_ago', label: 'Days since last order', type: 'days', sql: 'c.last_order_at', description: '24-hour periods since the last order; a customer who never ordered has none.' },
    { name: 'days_since_signup', label: 'Days since signup', type: 'days', always: true, sql: 'c.created_at', description: '24-hour periods since the customer was first seen.' },
    {
      name: 'overdue_ratio', label: 'Overdue by own habit', type: 'ratio', sql: 'c.last_order_at', per: 'median_order_gap',
      description: 'Time since the last order ÷ the median time between the customer’s orders: 1 when the next is due, 2 when one was skipped. A customer with fewer than three orders has none.',
    },
  ]),
];

const ATTRIBUTE = 'attributes.';

/** Represents every attribute in lists of fields. */
export const ANY_ATTRIBUTE: Field = {
  name: `${ATTRIBUTE}<name>`, label: 'Attribute', group: 'profile', type: 'attribute', spelling: { ...WRITTEN, expects: VALUE_TYPES.attribute.expects }, sql: 'c.attributes', categorical: true,
  description: 'Any attribute of the customer; compared when it has the type of the value.',
};

/** A value inside events, such as `order.items.quantity`, which goes into each of the items. */
export interface EventPath extends Pick<Field, 'label' | 'type' | 'spelling' | 'description'> {
  path: string;
  /** Whether a number is an amount in the tenant's currency; as `money` it would be in minor units. */
  amount?: boolean;
}

/** Represents every other property of an event in lists. */
export const ANY_PROPERTY: EventPath = { path: 'properties.<name>', label: 'Property', type: 'attribute', description: 'Any property of the event, also of an object or a list in it: `properties.<name>.<name>`; compared when it has the type of the value.' };

/** Which events match, as SQL; given by the domain that keeps them. */
export interface EventSource {
  /** What `where` may test of an order. */
  readonly orderPaths: readonly EventPath[];
  /** Types of events that mean something, whatever else is told. */
  readonly types: readonly string[];
  /** SQL of a text[]: the types of events that the row of customers has had since the instant. */
  typesOf(customer: string, since: string): string;
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
  private readonly known = new Map<string, AnyField>(KNOWN.map((field) => [field.name, field]));
  private source: EventSource | null = null;

  contribute(...fields: RelationField[]): void {
    for (const field of fields) this.known.set(field.name, field);
  }

  contributeEvents(source: EventSource): void {
    this.source = source;
  }

  /** Null until a domain that knows events has been loaded. */
  get events(): EventSource | null {
    return this.source;
  }

  find(name: string): AnyField | undefined {
    if (name.startsWith(ATTRIBUTE) && name.length > ATTRIBUTE.length) return { ...ANY_ATTRIBUTE, name, attribute: name.slice(ATTRIBUTE.length) };
    return this.known.get(name);
  }

  /** The field, if a breakdown or value suggestions can be made for it. */
  categorical(name: string): Field | undefined {
    const field = this.find(name);
    return field !== undefined && !('related' in field) && field.categorical ? field : undefined;
  }

  all(): AnyField[] {
    return [...this.known.values(), ANY_ATTRIBUTE];
  }
}

import { isObject, pointerToken } from '#kernel';
import { DAY, type EventCondition, type Test } from './criteria.js';
import { ANY_PROPERTY, type EventPath } from './criteria-fields.js';
import type { Findings } from './findings.js';
import type { TestParser } from './test.parse.js';

export const UNITS: Readonly<Record<string, number>> = { hour: DAY / 24, day: DAY, week: 7 * DAY };
const MEMBERS = ['name', 'where', 'count', 'within'];
const PROPERTY = /^properties(\.[^.]{1,100}){1,8}$/;

export const EVENT_COUNT_OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'nin'] as const;

const ONCE: Test = { operator: 'gte', value: 1, negated: false };

/** Reads `{"name", "where", "count", "within"}`. */
export class EventParser {
  constructor(
    private readonly found: Findings,
    private readonly tests: TestParser,
    private readonly orderPaths: readonly EventPath[],
  ) {}

  /** Null when it has a fault of its own; faults inside its tests are only told. */
  read(json: unknown, pointer: string): EventCondition | null {
    this.found.eventCondition();
    if (!isObject(json)) return this.fault(pointer, 'expected_object', 'Expected {"name": …, "where"?, "count"?, "within"?}.');
    for (const key of Object.keys(json)) {
      if (!MEMBERS.includes(key)) this.fault(`${pointer}/${pointerToken(key)}`, 'unknown_property', `Expected ${MEMBERS.join(', ')}.`);
    }
    const { name, where, count, within } = json;
    const named = typeof name === 'string' && name !== '' && name.length <= 100;
    if (!named) this.fault(`${pointer}/name`, name === undefined ? 'required' : 'invalid_value', 'Expected the type of the events, such as "order_completed".');
    return {
      name: named ? name : '',
      where: where === undefined ? [] : this.where(where, `${pointer}/where`),
      count: count === undefined ? [ONCE] : this.tests.read({ type: 'integer', operators: EVENT_COUNT_OPERATORS }, count, `${pointer}/count`),
      within: within === undefined ? null : this.within(within, `${pointer}/within`),
    };
  }

  private where(json: unknown, pointer: string): EventCondition['where'] {
    if (!isObject(json) || Object.keys(json).length === 0) {
      this.fault(pointer, isObject(json) ? 'empty' : 'expected_object', 'Expected tests by path, such as {"order.items.product_id": "margherita"}.');
      return [];
    }
    return Object.entries(json).flatMap(([path, test]) => {
      const at = `${pointer}/${pointerToken(path)}`;
      const subject = PROPERTY.test(path) ? ANY_PROPERTY : this.orderPaths.find((known) => known.path === path);
      if (subject === undefined) {
        this.fault(at, 'unknown_field', `Expected a path that begins with "properties.", or one of ${this.orderPaths.map((known) => known.path).join(', ')}.`);
        return [];
      }
      return this.tests.read(subject, test, at).map((one) => ({ path: path.split('.'), type: subject.type, test: one }));
    });
  }

  private within(json: unknown, pointer: string): number | null {
    if (!isObject(json)) return this.fault(pointer, 'expected_object', 'Expected {"last": 60, "unit": "day"}.');
    const { last, unit, ...others } = json;
    for (const key of Object.keys(others)) this.fault(`${pointer}/${pointerToken(key)}`, 'unknown_property', 'Expected last, unit.');
    const length = typeof unit === 'string' && Object.hasOwn(UNITS, unit) ? UNITS[unit]! : null;
    if (length === null) this.fault(`${pointer}/unit`, 'invalid_value', `Expected one of ${Object.keys(UNITS).join(', ')}.`);
    const whole = Number.isInteger(last) && (last as number) >= 1 && (last as number) <= 36_500;
    if (!whole) this.fault(`${pointer}/last`, 'invalid_value', 'Expected a whole number, 1 to 36500.');
    return length === null || !whole ? null : (last as number) * length;
  }

  private fault(pointer: string, code: string, detail: string): null {
    return this.found.fault(pointer, code, detail);
  }
}

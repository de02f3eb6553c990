import { isObject, pointerToken } from '#kernel';
import { type Test, type Value } from './criteria.js';
import { type CoreOperator, type Operator, OPERATORS } from './operators.js';
import { LIMITS } from './criteria.limits.js';
import { compareValues, VALUE_TYPES } from './criteria.values.js';
import { type Findings } from './findings.js';
import { type FieldType, OPERATORS_OF, type Spelling } from './field.js';

/** What a test is about: a field, or a value inside an event. */
export interface Subject {
  type: FieldType;
  values?: readonly string[];
  spelling?: Spelling;
  /** Narrows what the type takes. */
  operators?: readonly Operator[];
}

const CORE: Partial<Record<Operator, CoreOperator>> = { ne: 'eq', nin: 'in' };

/** Reads `test := scalar | {operator: value, …}`; every operator counts as one condition. */
export class TestParser {
  constructor(
    private readonly found: Findings,
    private readonly currency: string,
  ) {}

  /** The tests of one subject, which all must hold; without those that have faults. */
  read(subject: Subject, json: unknown, pointer: string): Test[] {
    const taken: readonly string[] = subject.operators ?? OPERATORS_OF[subject.type];
    if (!isObject(json) && taken.includes('eq')) return this.test(subject, 'eq', json, pointer);
    if (!isObject(json)) return this.fault(pointer, 'expected_object', `Expected an object with one of ${taken.join(', ')}.`) ?? [];
    const members = Object.entries(json);
    if (members.length === 0) this.fault(pointer, 'empty', 'Expected at least one operator.');
    return members.flatMap(([operator, value]) => {
      const at = `${pointer}/${pointerToken(operator)}`;
      if (taken.includes(operator)) return this.test(subject, operator as Operator, value, at);
      const known = (OPERATORS as readonly string[]).includes(operator);
      this.fault(at, known ? 'unsupported_operator' : 'unknown_operator', `Expected one of ${taken.join(', ')}.`);
      return [];
    });
  }

  private test(subject: Subject, operator: Operator, json: unknown, pointer: string): Test[] {
    this.found.condition();
    const value = this.operand(subject, operator, json, pointer);
    if (value === null) return [];
    const core = CORE[operator] ?? (operator as CoreOperator);
    if (core === 'exists') return [{ operator: core, value: true, negated: value === false }];
    return [{ operator: core, value, negated: core !== operator }];
  }

  private operand(subject: Subject, operator: Operator, json: unknown, pointer: string): Value | Value[] | null {
    switch (operator) {
      case 'exists':
        return typeof json === 'boolean' ? json : this.fault(pointer, 'invalid_value', 'Expected true or false.');
      case 'in_next_days':
        return Number.isInteger(json) && (json as number) >= 0 && (json as number) <= 365 ? (json as number) : this.fault(pointer, 'invalid_value', 'Expected a whole number of days, 0 to 365.');
      case 'contains':
      case 'starts_with':
        return this.part(subject, json, pointer);
      case 'in':
      case 'nin':
        return this.list(subject, json, pointer);
      case 'between':
        return this.range(subject, json, pointer);
      case 'eq':
      case 'ne':
      case 'gt':
      case 'gte':
      case 'lt':
      case 'lte':
        return this.scalar(subject, json, pointer);
    }
  }

  private part({ spelling }: Subject, json: unknown, pointer: string): string | null {
    const text = typeof json === 'string' && spelling !== undefined ? spelling.part(json) : json;
    return typeof text === 'string' && text !== '' ? text : this.fault(pointer, 'invalid_value', 'Expected a text that is not empty.');
  }

  private list(subject: Subject, json: unknown, pointer: string): Value[] | null {
    if (!Array.isArray(json)) return this.fault(pointer, 'expected_list', 'Expected a list of values.');
    if (json.length === 0) return this.fault(pointer, 'empty', 'Expected at least one value; an empty list has no meaning.');
    if (json.length > LIMITS.values) return this.fault(pointer, 'too_many_values', `A list may hold ${LIMITS.values} values.`);
    this.found.list(json.length, { slow: subject.spelling?.slow ?? false });
    const values = json.map((one, index) => this.scalar(subject, one, `${pointer}/${index}`));
    return values.every((one) => one !== null) ? values : null;
  }

  private range(subject: Subject, json: unknown, pointer: string): Value[] | null {
    if (!Array.isArray(json) || json.length !== 2) return this.fault(pointer, 'expected_list', 'Expected [lowest, highest].');
    const [low, high] = json.map((one, index) => this.scalar(subject, one, `${pointer}/${index}`)) as [Value | null, Value | null];
    if (low === null || high === null) return null;
    if (typeof low !== typeof high) return this.fault(pointer, 'invalid_value', 'Expected two values of one type.');
    return compareValues(low, high) <= 0 ? [low, high] : this.fault(pointer, 'reversed', 'Expected the lower value first.');
  }

  private scalar({ type, values, spelling }: Subject, json: unknown, pointer: string): Value | null {
    const read = VALUE_TYPES[type].read(json, { currency: this.currency, values });
    const value = typeof read === 'string' && spelling !== undefined ? spelling.whole(read) : read;
    if (value !== null) return value;
    const expected = values === undefined ? (spelling ?? VALUE_TYPES[type]).expects : `one of ${values.join(', ')}`;
    return this.fault(pointer, 'invalid_value', `Expected ${expected}.${json === null ? ' For a missing value use {"exists": false}.' : ''}`);
  }

  private fault(pointer: string, code: string, detail: string): null {
    return this.found.fault(pointer, code, detail);
  }
}

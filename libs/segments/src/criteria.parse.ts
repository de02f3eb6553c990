import { type Fault, isObject, pointerToken } from '#kernel';
import type { Criteria, Test } from './criteria.js';
import type { CriteriaFields } from './criteria-fields.js';
import { LIMITS } from './criteria.limits.js';
import { EventParser } from './event.parse.js';
import { Findings } from './findings.js';
import { TestParser } from './test.parse.js';

export interface Parsed {
  /** Null when there are faults. */
  criteria: Criteria | null;
  faults: Fault[];
  /** The segments it refers to, and where: whether they exist is not the language's to know. */
  references: { id: string; pointer: string }[];
  /** False where it is hopeless and was not read to its end: nothing more needs to be found out. */
  whole: boolean;
}

export interface ParseContext {
  fields: Pick<CriteriaFields, 'find' | 'events'>;
  /** ISO 4217: amounts of the criteria are in it. */
  currency: string;
}

/** Words of the grammar; everything else at their place names a field. */
const LOGIC = ['all', 'any', 'not', 'event', 'segment'];

/**
 * Reads criteria from JSON and tells every fault at once, up to a hundred.
 *
 * @param pointer where the criteria stand in the request's body, such as `/criteria`
 */
export function parseCriteria(json: unknown, pointer: string, context: ParseContext): Parsed {
  return new CriteriaParser(context, new Findings(pointer)).run(json, pointer);
}

class CriteriaParser {
  private readonly references: Parsed['references'] = [];
  private readonly tests: TestParser;
  private readonly event: EventParser;

  constructor(
    private readonly context: ParseContext,
    private readonly found: Findings,
  ) {
    this.tests = new TestParser(found, context.currency);
    this.event = new EventParser(found, this.tests, context.fields.events?.orderPaths ?? []);
  }

  run(json: unknown, pointer: string): Parsed {
    const criteria = this.found.of(() => {
      if (Buffer.byteLength(JSON.stringify(json) ?? '') > LIMITS.bytes) this.found.stop('too_large', `Criteria may take ${LIMITS.bytes} bytes of JSON.`);
      return this.node(json, pointer, 1);
    });
    return { criteria, faults: this.found.faults, references: this.references, whole: this.found.whole };
  }

  /** One object of the grammar: its members hold together. */
  private node(json: unknown, pointer: string, depth: number): Criteria {
    const none: Criteria = { kind: 'all', of: [] };
    if (!isObject(json)) return this.fault(pointer, 'expected_object', 'Expected an object of conditions.', none);
    if (depth > LIMITS.depth) return this.fault(pointer, 'too_deep', `Criteria may nest ${LIMITS.depth} levels.`, none);
    const members = Object.entries(json);
    if (members.length === 0) return this.fault(pointer, 'empty', 'Expected at least one condition; an empty object has no meaning.', none);
    const of = members.flatMap(([name, value]) => this.member(name, value, `${pointer}/${pointerToken(name)}`, depth));
    return of.length === 1 ? of[0]! : { kind: 'all', of };
  }

  private member(name: string, value: unknown, pointer: string, depth: number): Criteria[] {
    switch (name) {
      case 'all':
      case 'any':
        return [{ kind: name, of: this.list(value, pointer).map((one, index) => this.node(one, `${pointer}/${index}`, depth + 1)) }];
      case 'not':
        return [{ kind: 'not', of: this.node(value, pointer, depth + 1) }];
      case 'segment':
        return [{ kind: 'segment', ids: this.segments(value, pointer) }];
      case 'event': {
        if (this.context.fields.events === null) return this.fault(pointer, 'unsupported', 'Event conditions are not available.', []);
        const event = this.event.read(value, pointer);
        return event === null ? [] : [{ kind: 'event', event }];
      }
      default:
        return this.field(name, value, pointer);
    }
  }

  private field(name: string, value: unknown, pointer: string): Criteria[] {
    const field = this.context.fields.find(name);
    if (field === undefined) {
      return this.fault(pointer, 'unknown_field', `There is no field "${name.slice(0, 100)}"; see GET /segments/fields, or use ${LOGIC.join(', ')}.`, []);
    }
    return this.tests.read(field, value, pointer).map((test: Test): Criteria => ({ kind: 'test', field, test }));
  }

  private segments(value: unknown, pointer: string): string[] {
    this.found.condition();
    const [member, ...others] = isObject(value) ? Object.entries(value) : [];
    if (member?.[0] !== 'in' || others.length > 0) return this.fault(pointer, 'expected_object', 'Expected {"in": [ids of segments]}.', []);
    const ids = this.list(member[1], `${pointer}/in`);
    this.found.list(ids.length, { slow: false });
    return ids.flatMap((id, index) => {
      const at = `${pointer}/in/${index}`;
      if (typeof id !== 'string') return this.fault(at, 'invalid_value', 'Expected the id of a segment.', []);
      this.references.push({ id, pointer: at });
      return [id];
    });
  }

  private list(value: unknown, pointer: string): unknown[] {
    if (!Array.isArray(value)) return this.fault(pointer, 'expected_list', 'Expected a list.', []);
    if (value.length === 0) return this.fault(pointer, 'empty', 'Expected at least one; an empty list has no meaning.', []);
    if (value.length > LIMITS.values) return this.fault(pointer, 'too_many_values', `A list may hold ${LIMITS.values} values.`, []);
    return value;
  }

  private fault<T>(pointer: string, code: string, detail: string, instead: T): T {
    return this.found.fault(pointer, code, detail, instead);
  }
}

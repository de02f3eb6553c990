import { setImmediate as turn } from 'node:timers/promises';
import { DtoPipe, isInstant, textFault } from '#http';
import { RequestError, undefused } from '#kernel';
import { normaliseEmail, normalisePhone } from './contact.js';
import { isCustomerId } from './customer-id.js';
import { MAX_ATTRIBUTES } from './dto/customer.rules.js';
import { ImportRowDto } from './dto/upsert-customer.dto.js';
import type { CsvRow } from './import.chunks.js';
import { CONSENT_STATUSES, type ProfilePatch } from './profile.js';
import { tagsOf } from './tags-cell.js';

/** Why a row was rejected. */
export interface RowError {
  line: number;
  column: string | null;
  code: string;
  detail: string;
}

export interface ReadRow {
  line: number;
  /** Null if only the email identifies the customer. */
  customerId: string | null;
  patch: ProfilePatch;
}

/** Rows after which the event loop gets its turn: reading a chunk takes tens of milliseconds, while others wait for their answers, and PostgreSQL for its next statement. */
const SLICE = 25;

/** A body under construction. */
type Body = Record<string, unknown>;

interface Column {
  path: readonly string[];
  /** The cell as the member of the body that it stands for. */
  read: (cell: string) => unknown;
  /** The member as the rules would leave it, where that is beyond doubt; else undefined. */
  settle: (member: never) => unknown;
}

const pipe = new DtoPipe();

/**
 * Reads the rows of an import as patches of profiles. An empty cell is a field left out.
 *
 * The rules are those of `PUT /customers/{id}`: its DTO judges. That takes 60 µs a row, so rows whose every cell is plainly
 * good by itself do not go there; a property test holds both ways against each other.
 */
export class RowReader {
  /** By position; null for a column that is ignored. */
  private readonly columns: readonly (Column | null)[];
  private readonly attributes: number;

  /**
   * @param names which field each column is; empty for one that is ignored
   * @param header what the file calls them, for whoever looks for the fault there
   */
  constructor(
    private readonly names: readonly string[],
    private readonly header: readonly string[],
  ) {
    this.columns = names.map((name) => (name === '' ? null : columnOf(name)));
    this.attributes = names.filter((name) => name.startsWith('attributes.')).length;
  }

  async read(rows: readonly CsvRow[]): Promise<(ReadRow | RowError[])[]> {
    const read: (ReadRow | RowError[])[] = [];
    for (const [index, row] of rows.entries()) {
      if (index % SLICE === SLICE - 1) await turn();
      read.push(this.plain(row) ?? (await this.judged(row)));
    }
    return read;
  }

  /** The row, if nothing about it needs judging. */
  plain([line, cells]: CsvRow): ReadRow | null {
    if (cells.length !== this.columns.length || this.attributes > MAX_ATTRIBUTES) return null;
    const patch: Body = {};
    let customerId: string | null = null;
    for (let index = 0; index < cells.length; index++) {
      const column = this.columns[index]!;
      const cell = column === null ? '' : textOf(cells[index]!);
      if (column === null || cell === '') continue;
      const member = column.settle(column.read(cell) as never);
      if (member === undefined) return null;
      if (column.path[0] === 'customer_id') customerId = member as string;
      else put(patch, column.path, member);
    }
    if (patch.consents !== undefined && Object.values(patch.consents as Record<string, Body>).some(({ status }) => status === undefined)) return null;
    return customerId === null && patch.email === undefined ? null : { line, customerId, patch };
  }

  /** The row as the DTO has it, or everything that is wrong with it. */
  async judged([line, cells]: CsvRow): Promise<ReadRow | RowError[]> {
    if (cells.length === 0) return [{ line, column: null, code: 'customer_erased', detail: 'The customer was erased before the row was reached.' }];
    if (cells.length !== this.columns.length) return [{ line, column: null, code: 'column_count', detail: `The row has ${cells.length} cells, the header ${this.columns.length}.` }];
    const unstorable = this.header.flatMap((column, index) => {
      const fault = this.columns[index] === null ? null : textFault(cells[index]!);
      return fault === null ? [] : [{ line, column, ...fault }];
    });
    if (unstorable.length > 0) return unstorable;
    try {
      const { customer_id, ...patch } = (await pipe.transform(this.body(cells), { type: 'body', metatype: ImportRowDto })) as ImportRowDto;
      if (customer_id === undefined && !patch.email) return [{ line, column: null, code: 'customer_required', detail: 'The row names neither customer_id nor email.' }];
      return { line, customerId: customer_id ?? null, patch: patch as ProfilePatch };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return (error.context.errors ?? []).map((fault) => ({ line, column: fault.pointer ? this.columnOf(fault.pointer.slice(1).replaceAll('/', '.')) : null, code: fault.code, detail: fault.detail }));
    }
  }

  private body(cells: readonly string[]): Body {
    const body: Body = {};
    for (const [index, column] of this.columns.entries()) {
      const cell = textOf(cells[index]!);
      if (column !== null && cell !== '') put(body, column.path, column.read(cell));
    }
    return body;
  }

  /** What the file calls the field. */
  columnOf(field: string): string {
    return this.header[this.names.indexOf(field)] ?? field;
  }
}

function put(body: Body, path: readonly string[], member: unknown): void {
  let parent = body;
  for (let step = 0; step < path.length - 1; step++) parent = (parent[path[step]!] ??= {}) as Body;
  parent[path.at(-1)!] = member;
}

const keep = (cell: string): string => cell;

/** A cell is a number only if writing it back gives the same text: `007` and `1e3` stay texts. */
const number = (cell: string): number | string => (String(Number(cell)) === cell && Number.isFinite(Number(cell)) ? Number(cell) : cell);

const typed = (cell: string): string | number | boolean => (cell === 'true' ? true : cell === 'false' ? false : number(cell));

/** The cell's text, without the `'` that exporters, ours included, put before what would be a formula. */
export function textOf(cell: string): string {
  const text = cell.trim();
  return text.startsWith("'") ? undefused(text).trim() : text;
}

/** The letters, digits and signs of most scripts: no control characters, no line separators, no halves of a character, nothing that has no width. */
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u05ff\u0620-\u17ff\u2010-\u2027\u3040-\ud7ff]*$/;

const plain = (longest: number) => (text: unknown): string | undefined => (typeof text === 'string' && text.length <= longest && PLAIN.test(text) ? text : undefined);
const matching = (pattern: RegExp) => (text: string): string | undefined => (pattern.test(text) ? text : undefined);
const among = (known: { has(text: string): boolean }) => (text: string): string | undefined => (known.has(text) ? text : undefined);

/** {@link Column.settle} of the fields. */
const SETTLE: Readonly<Record<string, Column['settle']>> = {
  customer_id: (text: string) => (isCustomerId(text) ? text : undefined),
  email: (text: string) => normaliseEmail(text) ?? undefined,
  phone: (text: string) => normalisePhone(text) ?? undefined,
  first_name: plain(200),
  last_name: plain(200),
  locale: matching(/^[a-z]{2}(-[A-Z]{2})?$/),
  timezone: among(new Set(Intl.supportedValuesOf('timeZone'))),
  birthday: matching(/^(18\d\d|19\d\d|20[01]\d)-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$/),
  city: plain(200),
  loyalty_tier: plain(100),
  loyalty_points: (points: unknown) => (Number.isInteger(points) && Math.abs(points as number) < 2 ** 31 ? points : undefined),
  tags: (list: string[]) => (list.length <= 200 && list.every((tag) => plain(100)(tag) !== undefined) ? list : undefined),
  status: among(new Set<string>(CONSENT_STATUSES)),
  source: plain(200),
  at: (text: string) => (isInstant(text) && Date.parse(text.toUpperCase()) <= Date.now() ? text : undefined),
};

function columnOf(name: string): Column {
  const path = name.split('.');
  if (path[0] === 'attributes') return { path, read: typed, settle: (value: unknown) => (typeof value === 'string' ? plain(1000)(value) : value) };
  const read = name === 'tags' ? tagsOf : name === 'loyalty_points' ? number : keep;
  return { path, read, settle: SETTLE[path.at(-1)!]! };
}

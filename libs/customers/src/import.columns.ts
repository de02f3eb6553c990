import { type Fault, validationFailed } from '#kernel';
import { CHANNELS } from '#tenants';
import { isAttributeName } from './dto/customer.rules.js';

/** Columns beside `attributes.<name>`. */
export const IMPORT_COLUMNS: ReadonlySet<string> = new Set([
  'customer_id', 'email', 'phone', 'first_name', 'last_name', 'locale', 'timezone', 'birthday', 'city', 'loyalty_tier', 'loyalty_points', 'tags',
  ...CHANNELS.flatMap((channel) => [`consents.${channel}.status`, `consents.${channel}.source`, `consents.${channel}.at`]),
]);

/** What the file of rejected rows says of each. They are ignored when it comes back corrected. */
export const REASON_COLUMNS = ['error_line', 'error_column', 'error_code'] as const;

/** Columns of a file: what a customer can have, three times and more. Each is looked at by itself, and by every row. */
const MOST_COLUMNS = 1000;

/** Which field a file's column is, by its name there; an empty one is ignored. */
export type ColumnMapping = ReadonlyMap<string, string>;

/**
 * Which field each column of a file is; empty for one that is ignored. A misspelt column is refused rather than kept as
 * something nobody asked for; an attribute says so in its name.
 *
 * @throws RequestError validation_failed with everything that is wrong with the header or the mapping
 */
export function columnsOf(header: readonly string[], mapping: ColumnMapping = new Map()): string[] {
  if (header.length > MOST_COLUMNS) throw validationFailed([{ pointer: '', code: 'too_many_columns', detail: `The file has ${header.length} columns, of which ${MOST_COLUMNS} are taken.` }]);
  const faults: Fault[] = [];
  const fields = header.map((name) => fieldOf(name));
  const placesOf = placesIn(header);
  for (const [name, field] of mapping) {
    const at = { parameter: `columns[${name}]` };
    const places = placesOf(name);
    if (places.length === 0) faults.push({ ...at, code: 'column_not_found', detail: `The file has no column "${shown(name)}".` });
    if (field !== '' && !isField(field)) faults.push({ ...at, code: 'unknown_column', detail: `"${shown(field)}" is no field; ${FIELDS}` });
    for (const place of places) fields[place] = field;
  }
  const seen = new Set<string>();
  for (const [index, field] of fields.entries()) {
    const column = header[index]!;
    if (field === undefined) faults.push({ pointer: '', column, code: 'unknown_column', detail: `"${shown(column)}" is no column; ${FIELDS}` });
    else if (field !== '' && seen.has(field)) faults.push({ pointer: '', column, code: 'duplicate_column', detail: `The column "${shown(field)}" stands twice.` });
    else seen.add(field);
  }
  if (!seen.has('customer_id') && !seen.has('email')) faults.push({ pointer: '', code: 'missing_column', detail: 'A column customer_id or email must say who each row is about.' });
  if (faults.length > 0) throw validationFailed(faults);
  return fields as string[];
}

const FIELDS = `take one of ${[...IMPORT_COLUMNS].join(', ')}, or attributes.<name>.`;

/** Where a column stands: by its exact name, else however it is spaced and cased. */
function placesIn(header: readonly string[]): (name: string) => readonly number[] {
  const places = [...header.keys()];
  const exact = Map.groupBy(places, (place) => header[place]!);
  const loose = Map.groupBy(places, (place) => folded(header[place]!));
  return (name) => exact.get(name) ?? loose.get(folded(name)) ?? [];
}

/** The field that a column means by its own name. */
function fieldOf(column: string): string | undefined {
  const name = column.trim();
  if (isField(name)) return name;
  const lower = folded(column);
  if (IMPORT_COLUMNS.has(lower)) return lower;
  return (REASON_COLUMNS as readonly string[]).includes(lower) ? '' : undefined;
}

const isField = (name: string): boolean => IMPORT_COLUMNS.has(name) || (name.startsWith('attributes.') && isAttributeName(name.slice('attributes.'.length)));

const folded = (name: string): string => name.trim().toLowerCase();

const shown = (text: string): string => text.slice(0, 100);

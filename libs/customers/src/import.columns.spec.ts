import type { RequestError } from '#kernel';
import { columnsOf } from './import.columns.js';

const mapped = (header: string[], mapping: Record<string, string> = {}) => columnsOf(header, new Map(Object.entries(mapping)));
const faults = (header: string[], mapping: Record<string, string> = {}) => {
  try {
    mapped(header, mapping);
  } catch (error) {
    return (error as RequestError).context.errors!.map(({ parameter, column, code }) => [parameter ?? column, code]);
  }
  return [];
};

describe('which field a column is', () => {
  test('by its own name, however spaced and cased, but for the name of an attribute', () => {
    expect(mapped([' Customer_ID', 'EMAIL ', 'attributes.Diet', 'error_line', 'Error_Code'])).toEqual(['customer_id', 'email', 'attributes.Diet', '', '']);
  });

  test('by the mapping, which outranks the name: exactly, else however spaced and cased', () => {
    expect(mapped(['Kunde', 'E-Mail', 'Notes', 'city'], { kunde: 'customer_id', ' e-mail': 'email', Notes: '', city: 'attributes.city' })).toEqual(['customer_id', 'email', '', 'attributes.city']);
    expect(mapped(['Id', 'ID', 'email'], { ID: '', Id: 'customer_id' })).toEqual(['customer_id', '', 'email']);
  });

  test('everything that is wrong is told at once', () => {
    expect(faults(['customer_id', 'emial', 'Vorname', 'Vorname'], { Vorname: 'first_name', Nachname: 'last_name', customer_id: 'id' })).toEqual([
      ['columns[Nachname]', 'column_not_found'],
      ['columns[customer_id]', 'unknown_column'],
      ['emial', 'unknown_column'],
      ['Vorname', 'duplicate_column'],
      [undefined, 'missing_column'],
    ]);
    expect(faults(['email', 'Email'])).toEqual([['Email', 'duplicate_column']]);
    expect(faults(['email', 'attributes.constructor', 'attributes.a b', 'attributes.__proto__', ''])).toEqual(['attributes.constructor', 'attributes.a b', 'attributes.__proto__', ''].map((column) => [column, 'unknown_column']));
    expect(faults(['email'], { constructor: 'email', __proto__: 'email' })).toEqual([['columns[constructor]', 'column_not_found']]);
  });

  test('more columns than a thousand are refused before any is looked at', () => {
    const header = (count: number): string[] => ['customer_id', ...Array.from({ length: count - 1 }, (_, n) => `attributes.a${n}`)];
    expect(mapped(header(1000))).toHaveLength(1000);
    expect(faults(header(1001))).toEqual([[undefined, 'too_many_columns']]);
    expect(faults(header(500_000), { x: 'email' })).toHaveLength(1);
  });
});

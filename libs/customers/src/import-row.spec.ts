import fc from 'fast-check';
import { RowReader } from './import-row.js';

/** For each column cells that are good, cells that are not, and cells that one may be wrong about. */
const CELLS: Record<string, string[]> = {
  customer_id: ['guest-1', 'Zoë 🍕', '\u2028', 'a\u0007', 'x'.repeat(200), 'x'.repeat(201), '\ud800'],
  email: ['ada@example.com', ' ADA.L+x@Mail.Example.co.uk ', 'ada@exämple.de', 'ada@xn--exmple-cua.de', 'a..b@example.com', '.a@example.com', 'a-@example.com', 'a@-example.com', 'a@ex_ample.com', 'a@b', 'a@1.2.3.4', 'a@1.com', 'a@x.1com', `${'a'.repeat(65)}@example.com`, `a@${'b'.repeat(64)}.com`, `a@${'b.'.repeat(130)}com`, '"a b"@example.com', 'a@ab--cd.com', 'nobody'],
  phone: ['+14155552671', '+1 (415) 555-2671', '+41791234567', '+1415', '4155552671', 'tel:+14155552671', '+14155552671;ext=5'],
  first_name: ["'-Ada", "'Ada", 'Ada', 'Łukasz', '李小龍', 'O’Brien', 'Zoë\u0301', '🍕', '\ufe0f', 'a\u2028b', 'a\tb', 'x'.repeat(200), 'x'.repeat(201), '\u200d', 'нет', '\u00ad', 'a\u0000', 'x\udfff'],
  locale: ['en', 'de-CH', 'zh-Hant-TW', 'xx', 'EN', 'english', 'd-CH', 'en-us', 'qq-QQ'],
  timezone: ['Europe/Berlin', 'UTC', 'Mars/Olympus', 'europe/berlin', '+02:00', 'EST'],
  birthday: ['1990-12-31', '1990-02-28', '1990-02-29', '1992-02-29', '1790-01-01', '1990-13-01', '90-01-01', '1900-00-10'],
  loyalty_tier: ['gold', 'x'.repeat(100), 'x'.repeat(101)],
  loyalty_points: ['0', '-5', '12', '1.5', '1e3', '007', '2147483647', '2147483648', '-2147483648', '-2147483649', 'many', '-0'],
  tags: ['vip', 'a\\|b|c\\d', "'=a\\\\|b", 'vip| lunch ||', '|', 'x'.repeat(101), Array(201).fill('t').join('|'), '🍕|a', 'vip|vip'],
  'attributes.note': ['12', '007', 'true', 'nuts', 'x'.repeat(1000), 'x'.repeat(1001), 'a\nb', '1e999', '-0', 'Infinity', '\u0000'],
  'consents.email.status': ['subscribed', 'unsubscribed', 'unknown', 'yes', 'Subscribed'],
  'consents.email.source': ['form', 'x'.repeat(201)],
  'consents.email.at': ['2026-01-01T00:00:00Z', '2026-01-01t00:00:00+02:00', '2026-02-30T00:00:00Z', '2026-01-01', '2999-01-01T00:00:00Z', '0001-01-01T00:00:00+05:00'],
  'consents.sms.status': ['subscribed'],
  '': ['anything', '\u0000'],
};

const row = fc
  .uniqueArray(fc.constantFrom(...Object.keys(CELLS)), { minLength: 1, maxLength: 6 })
  .chain((columns) => fc.tuple(fc.constant(columns), fc.tuple(...columns.map((column) => fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...CELLS[column]!.slice(0, 3)) }, { weight: 2, arbitrary: fc.constantFrom(...CELLS[column]!) }, fc.constant(' '), fc.string(), fc.string({ unit: 'binary' }))))));

const plainly = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a row that is taken without judging is what the judged one is', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(row, async ([columns, cells]) => {
      const reader = new RowReader(columns, columns);
      const plain = reader.plain([7, cells]);
      if (plain === null) return;
      taken++;
      expect(plainly(plain)).toEqual(plainly(await reader.judged([7, cells])));
    }),
    { numRuns: 5000 },
  );
  expect(taken).toBeGreaterThan(250);
});

test('each cell alone: none is let through that the rules refuse, and what files are made of needs no judging', async () => {
  for (const [column, cells] of Object.entries(CELLS)) {
    const columns = ['customer_id', column];
    const reader = column === 'customer_id' ? new RowReader([column], [column]) : new RowReader(columns, columns);
    const rowOf = (cell: string): [number, string[]] => [1, column === 'customer_id' ? [cell] : ['guest-1', cell]];
    for (const cell of cells) {
      const plain = reader.plain(rowOf(cell));
      if (plain !== null) expect([column, cell, plainly(plain)]).toEqual([column, cell, plainly(await reader.judged(rowOf(cell)))]);
    }
    if (!/\.(source|at)$/.test(column)) expect([column, reader.plain(rowOf(cells[0]!))]).toEqual([column, expect.anything()]);
  }
});

test('faults are told by the name that the file gives the column', async () => {
  const reader = new RowReader(['customer_id', 'email', 'consents.email.status', ''], ['Id', 'E-Mail', 'Newsletter', 'Notes']);
  expect(await reader.read([[2, ['a', 'nobody', 'yes', '']], [3, ['b', '', '', 'x', 'y']], [4, ['c', 'c@example.com', '', '\u0000']]])).toMatchObject([
    [{ line: 2, column: 'E-Mail', code: 'is_email' }, { line: 2, column: 'Newsletter', code: 'is_in' }],
    [{ line: 3, column: null, code: 'column_count' }],
    { line: 4, customerId: 'c', patch: { email: 'c@example.com' } },
  ]);
});

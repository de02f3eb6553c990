import fc from 'fast-check';
import { startApp, type TestApp } from './support/app.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

/** Rows that an import works on at once. */
const CHUNK = 1000;

type Row = [id: string, email: string];

/** What becomes of each row when they are taken one by one. */
function oneByOne(rows: readonly Row[], emails = new Map<string, string>()): { created: number; updated: number; rejected: number } {
  const told = { created: 0, updated: 0, rejected: 0 };
  for (const [id, email] of rows) {
    if (id === '') {
      told[[...emails.values()].filter((one) => one === email).length === 1 ? 'updated' : 'rejected']++;
      continue;
    }
    told[emails.has(id) ? 'updated' : 'created']++;
    emails.set(id, email || (emails.get(id) ?? ''));
  }
  return told;
}

const row = fc.tuple(fc.constantFrom('', '', 'a', 'b', 'c', 'd'), fc.constantFrom('', 'x@example.com', 'y@example.com', 'z@example.com')).filter(([id, email]) => id !== '' || email !== '');
const rows = fc.array(row, { minLength: 1, maxLength: 12 });

describe('rows that say by their email who they are about', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  test('are about whoever has it by then, wherever a chunk ends, and a dry run tells the same', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, fc.boolean(), async (known, file, far) => {
        const imports = new TestImports(app, newTenant());
        const people = known.filter(([id]) => id !== '');
        const before = new Map<string, string>();
        oneByOne(people, before);
        if (people.length > 0) await imports.run(['customer_id,email', ...people.map((one) => one.join())].join('\n'));
        const half = Math.floor(file.length / 2);
        const between = far ? Array.from({ length: CHUNK }, (_, n): Row => [`filler-${n}`, '']) : [];
        const sent = [...file.slice(0, half), ...between, ...file.slice(half)];
        const expected = oneByOne(sent, before);
        const csv = ['customer_id,email,city', ...sent.map(([id, email]) => `${id},${email},X`)].join('\n');
        expect(await imports.run(csv, '?dry_run=true')).toMatchObject(expected);
        expect(await imports.run(csv)).toMatchObject(expected);
        const found = await app.sql<{ id: string; email: string | null }>(`SELECT customer_id AS id, email FROM customers WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1) AND customer_id NOT LIKE 'filler%'`, [imports.tenant]);
        expect(new Map(found.map(({ id, email }) => [id, email ?? '']))).toEqual(new Map([...before].filter(([id]) => !id.startsWith('filler'))));
      }),
      { numRuns: 15 },
    );
  }, 240_000);
});

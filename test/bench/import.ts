import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Bench, Figure } from './bench.js';
import { atLeast, atMost, reported, timed } from './figures.js';
import { mostMemory } from './memory.js';
import { CUSTOMERS } from './segment-data.js';

const ROUNDS = 3;
const COLUMNS = 'customer_id,email,phone,first_name,last_name,locale,birthday,city,loyalty_tier,loyalty_points';
const ROWS = `${CUSTOMERS.toLocaleString('en')} rows`;

/** A file of a million guests, against a bare COPY of the same file; and what it takes of memory. */
export async function* importing(bench: Bench): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'marketing-bench-'));
  const [file, few] = [join(folder, 'guests.csv'), join(folder, 'few.csv')];
  await pipeline(Readable.from(guests(CUSTOMERS)), createWriteStream(file));
  await pipeline(Readable.from(guests(Math.min(CUSTOMERS, 20_000))), createWriteStream(few));
  const worker = await bench.startWorker();
  const idle = mostMemory(bench.api.pid);
  try {
    await makeTables(bench);
    await imported(bench, few, 'bench-import-warm');
    const times: { ours: number; bare: number; heap: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      times.push({ bare: await copied(bench, file, 'bare_customers'), ours: await imported(bench, file, `bench-import-${round}`), heap: await copied(bench, file, 'bare_heap') });
    }
    const again = await imported(bench, file, 'bench-import-0');
    const rate = (seconds: number): string => `${Math.round(CUSTOMERS / seconds).toLocaleString('en')} rows/s`;
    yield atLeast(`import of ${ROWS} ÷ bare COPY into the same columns, constraints, indexes and triggers`, times.map(({ ours, bare }) => bare / ours), 0.3, 'x');
    yield reported('the import: from the first byte of the POST to completed', times.map(({ ours }) => rate(ours)).join(', '));
    yield reported('the bare COPY', times.map(({ bare }) => rate(bare)).join(', '));
    yield reported('a COPY into a table without index or constraint', times.map(({ heap }) => rate(heap)).join(', '));
    yield reported('the same file again: every row known, none changed', rate(again));
    const [api, work] = [mostMemory(bench.api.pid), mostMemory(worker.pid)];
    if (idle === null || api === null || work === null) return;
    yield atMost('most memory of the worker', [work], 200, 'MB');
    yield atMost('what imports add to the most memory of the api', [api - idle], 200, 'MB');
    yield reported('the api, before its first import and after', `${Math.round(idle)} MB, ${Math.round(api)} MB`);
  } finally {
    await worker.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Guests whose names, like people's, are in no order; a quarter has no tier. */
function* guests(count: number): Generator<string> {
  const cities = ['Zürich', 'Bern', 'Basel', 'Genf', 'Rome', 'Milan', 'Paris', 'Lyon', 'Wien', 'Berlin'];
  let text = `${COLUMNS}\n`;
  for (let n = 0; n < count; n++) {
    const day = `${1950 + (n % 50)}-0${1 + (n % 9)}-1${n % 10}`;
    text += `guest-${n},guest${n}@example.com,+4179${String(n % 1e7).padStart(7, '0')},Ada,"Guest ${(n * 7919) % count}",de-CH,${day},${cities[n % 10]},${['gold', 'silver', 'bronze', ''][n % 4]},${n % 1000}\n`;
    if (text.length < 1 << 16) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** What COPY fills: a table as `customers` is, where the columns that we compute are generated; and one with nothing to keep up. */
async function makeTables({ sql, tenantId }: Bench): Promise<void> {
  const defaults = `ALTER tenant_id SET DEFAULT ${tenantId}, ALTER customer_no SET DEFAULT nextval('bare_no'), ALTER created_at SET DEFAULT now(), ALTER updated_at SET DEFAULT now()`;
  await sql.query(`
    CREATE SEQUENCE bare_no;
    CREATE TABLE bare_heap (LIKE customers INCLUDING DEFAULTS);
    ALTER TABLE bare_heap ${defaults};
    CREATE TABLE bare_customers (LIKE customers INCLUDING ALL);
    ALTER TABLE bare_customers ${defaults}, ADD FOREIGN KEY (tenant_id) REFERENCES tenants, DROP name_search, DROP last_name_search,
      ADD name_search text COLLATE "C" GENERATED ALWAYS AS (searchable(first_name || ' ' || last_name)) STORED, ADD last_name_search text COLLATE "C" GENERATED ALWAYS AS (searchable(last_name || ' ' || first_name)) STORED;
    CREATE INDEX ON bare_customers (tenant_id, name_search) WHERE name_search IS NOT NULL;
    CREATE INDEX ON bare_customers (tenant_id, last_name_search) WHERE last_name_search IS NOT NULL;
    CREATE TRIGGER count_insert AFTER INSERT ON bare_customers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_customers_insert();`);
}

/** Seconds. */
async function copied({ sql }: Bench, file: string, table: string): Promise<number> {
  await sql.query(`TRUNCATE ${table}`);
  const client = await sql.connect();
  try {
    return (await timed(() => pipeline(createReadStream(file), client.query(copyFrom(`COPY ${table} (${COLUMNS}) FROM STDIN (FORMAT csv, HEADER)`))))) / 1000;
  } finally {
    client.release();
  }
}

/** Seconds. */
async function imported(bench: Bench, file: string, tenant: string): Promise<number> {
  const { token } = await bench.provision(tenant);
  const base = `${bench.api.url}/api/v1/marketing`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv' };
  return (await timed(async () => {
    const response = await fetch(`${base}/customers/import`, { method: 'POST', headers, body: Readable.toWeb(createReadStream(file)), duplex: 'half' });
    const { id } = (await response.json()) as { id: string };
    for (let status = ''; status !== 'completed'; await sleep(50)) {
      const found = (await (await fetch(`${base}/imports/${id}`, { headers: { authorization: headers.authorization } })).json()) as { status: string; rejected: number };
      status = found.status;
      if (status === 'failed' || found.rejected > 0) throw new Error(`the import went wrong: ${JSON.stringify(found)}`);
    }
  })) / 1000;
}

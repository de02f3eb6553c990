import pg from 'pg';
import type { paths } from './api.js';
import type { TestApp } from './app.js';
import { specDatabase } from './database.js';
import { eventually } from './eventually.js';
import { token } from './tokens.js';

type Import = paths['/api/v1/marketing/imports/{import_id}']['get']['responses'][200]['content']['application/json'];

const BASE = '/api/v1/marketing';

/** Files and customers sent by a tenant, and what became of them. */
export class TestImports {
  constructor(
    private readonly app: TestApp,
    readonly tenant: string,
  ) {}

  upload(body: unknown, query = '', { path = '/customers/import', headers = {} }: { path?: string; headers?: Record<string, string> } = {}): Promise<Response> {
    return this.app.fetch(`${BASE}${path}${query}`, { method: 'POST', headers: { 'content-type': 'text/csv', ...headers }, body: body as never, duplex: 'half', token: token(this.tenant, ['marketing']) } as never);
  }

  /** Sends the file and waits until it is worked through. */
  async run(body: unknown, query = '', path?: string): Promise<Import> {
    const response = await this.upload(body, query, { path });
    const answer = (await response.json()) as { id: string };
    if (response.status !== 202) throw new Error(JSON.stringify(answer));
    return this.completed(answer.id);
  }

  completed(importId: string, within = 30_000): Promise<Import> {
    return eventually(async () => {
      const found = await this.get(importId);
      expect(found.status).toBe('completed');
      return found;
    }, { within });
  }

  async get(import_id: string): Promise<Import> {
    return (await this.app.api(['marketing'], this.tenant).GET('/api/v1/marketing/imports/{import_id}', { params: { path: { import_id } } })).data!;
  }

  /** Has the transaction that brings an import's count to `processed` wait, with everything written and nothing committed, until it is let go. */
  async holdAt(processed: number): Promise<() => Promise<void>> {
    const gate = new pg.Client({ connectionString: await specDatabase() });
    await gate.connect();
    await gate.query(`SELECT pg_advisory_lock(4711);
      CREATE OR REPLACE FUNCTION test_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
      CREATE OR REPLACE TRIGGER test_gate AFTER UPDATE ON imports FOR EACH ROW WHEN (NEW.processed = ${processed}) EXECUTE FUNCTION test_gate()`);
    return () => gate.end();
  }

  held() {
    return this.app.sql(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  }

  /** A CSV report of the import. */
  async report(importId: string, which: 'errors' | 'rejected'): Promise<string> {
    return (await this.app.fetch(`${BASE}/imports/${importId}/${which}`, { token: token(this.tenant, ['marketing']) })).text();
  }

  async customer(customer_id: string) {
    return (await this.app.api(['marketing'], this.tenant).GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } })).data;
  }

  put(customer_id: string, body: object) {
    return this.app.api(['marketing'], this.tenant).PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } }, body });
  }

  async batch(...customers: { customer_id: string; [field: string]: unknown }[]) {
    return (await this.app.api(['marketing'], this.tenant).POST('/api/v1/marketing/customers/batch', { body: { customers: customers as never } })).data!;
  }

  /** How many rows the tenant has there. */
  async count(table: string): Promise<number> {
    const [row] = await this.app.sql<{ count: number }>(`SELECT count(*)::int FROM ${table} WHERE tenant_id = (SELECT id FROM tenants WHERE name = $1)`, [this.tenant]);
    return row!.count;
  }
}

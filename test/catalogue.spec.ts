import { globSync, readFileSync } from 'node:fs';
import { PERMISSIONS } from '#auth';
import { startApp, type TestApp } from './support/app.js';
import { bodyExamples, DOCUMENT, isPublic, OPERATIONS, title } from './support/operations.js';

/** The architecture's list: whatever else is in `public` belongs to a tenant. */
const WITHOUT_TENANT = ['tenants', 'campaign_directory', 'number_directory', 'webhook_directory', 'event_subscription_lanes', 'worker_sessions', 'migrations'];

const POLICY = '(tenant_id = ( SELECT app_tenant() AS app_tenant))';

describe('the catalogue of the database', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('every table of a tenant is closed to all others, and forced on its owner; the rest are the ones we know', async () => {
    const tables = await app.sql<{ name: string; tenant: boolean; part: boolean; rls: boolean; forced: boolean; policies: string[] | null }>(`
      SELECT c.relname AS name, c.relispartition AS part, c.relrowsecurity AS rls, c.relforcerowsecurity AS forced,
             EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS tenant,
             (SELECT array_agg(concat_ws(' ', p.cmd, p.permissive, p.qual, p.with_check)) FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = c.relname) AS policies
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`);
    const shared = tables.filter(({ tenant, name }) => !tenant || WITHOUT_TENANT.includes(name)).map(({ name }) => name);
    expect(shared.filter((name) => !WITHOUT_TENANT.includes(name))).toEqual([]);
    const own = tables.filter(({ name, part }) => !WITHOUT_TENANT.includes(name) && !part);
    expect(own.filter(({ rls, forced, policies }) => !rls || !forced || policies?.length !== 1).map(({ name }) => name)).toEqual([]);
    expect(new Set(own.flatMap(({ policies }) => policies))).toEqual(new Set([`ALL PERMISSIVE ${POLICY} ${POLICY}`]));
  });

  test('a partition can be reached through its table only', async () => {
    const open = await app.sql(`
      SELECT c.relname FROM pg_class c
       WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
         AND has_table_privilege('marketing_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')`);
    expect(open).toEqual([]);
  });

  test('the application owns nothing, exempts itself from nothing, and may not truncate or change a table', async () => {
    const owned = await app.sql(`
      SELECT relname AS name FROM pg_class WHERE relowner = 'marketing_app'::regrole
      UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'marketing_app'::regrole
      UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = 'marketing_app'::regrole`);
    expect(owned).toEqual([]);
    const [role] = await app.sql(`SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'marketing_app'`);
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false });
    const grants = await app.sql(`
      SELECT DISTINCT privilege_type AS grant FROM information_schema.role_table_grants
       WHERE grantee = 'marketing_app' AND table_schema = 'public' AND privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')`);
    expect(grants).toEqual([]);
    const [create] = await app.sql(`SELECT has_schema_privilege('marketing_app', 'public', 'CREATE') AS may`);
    expect(create).toEqual({ may: false });
  });

  test('every key of a tenant’s table begins with the tenant', async () => {
    const others = await app.sql(`
      SELECT i.indexrelid::regclass::text AS key FROM pg_index i
        JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
       WHERE i.indisunique AND i.indkey[0] <> a.attnum AND NOT t.relname = ANY ($1)`, [WITHOUT_TENANT]);
    expect(others).toEqual([]);
  });

  test('without a tenant a table does not look empty, it refuses', async () => {
    const tables = await app.sql<{ name: string }>(`
      SELECT c.relname AS name FROM pg_class c WHERE c.relforcerowsecurity AND c.relnamespace = 'public'::regnamespace
         AND (c.relkind = 'r' OR EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = c.oid))`);
    const refused = await Promise.all(
      tables.map(({ name }) =>
        app.sql(`DO $$ BEGIN SET LOCAL ROLE marketing_app; PERFORM 1 FROM ${name}; RAISE EXCEPTION 'read'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$`).then(
          () => null,
          (error: Error) => `${name}: ${error.message}`,
        ),
      ),
    );
    expect(refused.filter((one) => one !== null)).toEqual([]);
  });
});

describe('the published document', () => {
  test('operations have names of their own', () => {
    const ids = OPERATIONS.map(({ operationId }) => operationId);
    expect(ids.filter((id, at) => !id || ids.indexOf(id) !== at)).toEqual([]);
  });

  test('so have schemas: two classes of one name would silently become one', () => {
    const names = globSync('libs/**/*.dto.ts').flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^export class (\w+)/gm)].map(([, name]) => name!));
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(Object.keys(DOCUMENT.components.schemas).filter((name) => name.endsWith('Dto'))).toEqual([]);
  });

  test.each(OPERATIONS.map((operation) => [title(operation), operation] as const))('%s says what a caller must know', (_, operation) => {
    expect(operation).toMatchObject({ summary: expect.stringMatching(/\S/), description: expect.stringMatching(/\S/), tags: [expect.any(String)] });
    expect(['public', ...Object.keys(PERMISSIONS)]).toContain(operation['x-permission']);
    expect(operation.security).toEqual(isPublic(operation) ? [] : [{ bearer: [] }]);
    const success = Object.entries(operation.responses).filter(([status]) => /^[23]/.test(status));
    expect(success).not.toHaveLength(0);
    const json = success[0]![1].content?.['application/json'];
    if (json !== undefined) expect(json.example ?? json.examples).toBeDefined();
    if (operation.requestBody?.content['application/json'] !== undefined) expect(bodyExamples(operation).length).toBeGreaterThan(0);
    const expected = ['400', '429', '500', '503', ...(isPublic(operation) ? [] : ['401', '403']), ...(operation.path.includes('_id}') && operation.method !== 'PUT' ? ['404'] : [])];
    for (const status of expected) expect(operation.responses[status]?.content?.['application/problem+json']?.examples).toBeDefined();
  });
});

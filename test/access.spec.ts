import { createHmac, generateKeyPairSync } from 'node:crypto';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import jwt from 'jsonwebtoken';
import { permits, ROLES, type Permission, type Role } from '#auth';
import { startApp, type TestApp } from './support/app.js';
import { keySetServer } from './support/key-set.js';
import { fill, GUARDED, isPublic, type Operation, OPERATIONS, title } from './support/operations.js';
import { newTenant, TEST_SECRET, token } from './support/tokens.js';

const HOUR = 3600;
const now = (): number => Math.floor(Date.now() / 1000);
const claims = { sub: 'user_1', tenant_id: 'tenant-forged', roles: ['super_admin'], exp: now() + HOUR };
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token signed with whatever algorithm its header claims, which no library would make. */
function forge(header: object, payload: object, secret?: string): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const { privateKey: strangersKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const BAD_TOKENS: Record<string, string> = {
  'no token': '',
  garbage: 'not.a.token',
  'half a token': token('tenant-x').split('.').slice(0, 2).join('.'),
  expired: token('tenant-x', ['super_admin'], { exp: now() - 31 }),
  'without an expiry': jwt.sign({ sub: 'user_1', tenant_id: 'tenant-x', roles: ['super_admin'] }, TEST_SECRET),
  'not valid yet': token('tenant-x', ['super_admin'], { nbf: now() + HOUR }),
  'alg none': forge({ alg: 'none', typ: 'JWT' }, claims),
  'alg None': forge({ alg: 'None' }, claims),
  'alg none, with a signature': forge({ alg: 'none' }, claims, TEST_SECRET),
  'another secret': forge({ alg: 'HS256' }, claims, 'another secret, just as long as ours is'),
  'HS512 with our secret': jwt.sign(claims, TEST_SECRET, { algorithm: 'HS512' }),
  'a stranger’s RS256': jwt.sign(claims, strangersKey, { algorithm: 'RS256' }),
  'a changed payload': token('tenant-x').replace(/\.[^.]+\./, `.${part(claims)}.`),
  'a critical extension': forge({ alg: 'HS256', crit: ['exp'], exp: 1 }, claims, TEST_SECRET),
  'an empty list of critical extensions': forge({ alg: 'HS256', crit: [] }, claims, TEST_SECRET),
  'an unencoded payload': forge({ alg: 'HS256', b64: false, crit: ['b64'] }, claims, TEST_SECRET),
  'an unencoded payload, by the way': forge({ alg: 'HS256', b64: false }, claims, TEST_SECRET),
  'another kind of token': forge({ alg: 'HS256', typ: 'logout+jwt' }, claims, TEST_SECRET),
  'a kind that is no text': forge({ alg: 'HS256', typ: ['JWT'] }, claims, TEST_SECRET),
  'an empty key id': forge({ alg: 'HS256', kid: '' }, claims, TEST_SECRET),
  'a key id that is no text': forge({ alg: 'HS256', kid: { $ne: null } }, claims, TEST_SECRET),
  'a header that is no object': forge([{ alg: 'HS256' }], claims, TEST_SECRET),
  'a payload that is no object': forge({ alg: 'HS256', typ: 'JWT' }, [claims], TEST_SECRET),
  'a payload that is no JSON': `${part({ alg: 'HS256', typ: 'JWT' })}.bm9uc2Vuc2U.${'A'.repeat(43)}`,
  'an expiry that is a text': forge({ alg: 'HS256' }, { ...claims, exp: String(claims.exp) }, TEST_SECRET),
  'without a tenant': token('tenant-x', ['super_admin'], { tenant_id: undefined }),
  'a tenant that is no text': token('tenant-x', ['super_admin'], { tenant_id: 7 }),
  'a tenant no column can hold': token('tenant-x', ['super_admin'], { tenant_id: 'a\u0000b' }),
  'without a subject': token('tenant-x', ['super_admin'], { sub: undefined }),
};

/** Calls the operation about things that do not exist, with a body it must refuse: whoever gets in, changes nothing. */
async function call(app: TestApp, operation: Operation, bearer: string, headers: Record<string, string> = {}): Promise<Response> {
  const json = operation.requestBody !== undefined;
  return app.fetch(fill(operation.path, () => 'unknown-1'), {
    method: operation.method,
    token: bearer,
    headers: { ...(json && { 'content-type': 'application/json' }), ...headers },
    ...(json && { body: '[]' }),
  });
}

describe('access', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('every route of the router is in the document, and the other way round', () => {
    const scanner = new MetadataScanner();
    const routed = app.nest
      .get(DiscoveryService, { strict: false })
      .getControllers()
      .flatMap(({ instance }) => {
        const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
        return scanner.getAllMethodNames(prototype).filter((name) => Reflect.hasMetadata('path', prototype[name]!));
      });
    expect(routed.sort()).toEqual(OPERATIONS.map(({ operationId }) => operationId).sort());
  });

  test('only these are open to everybody', () => {
    expect(OPERATIONS.filter(isPublic).map(title).filter((name) => !/ \/(t|health)\/| \/metrics$/.test(name)).sort()).toEqual(
      ['GET', 'HEAD', 'POST'].map((method) => `${method} /api/v1/marketing/webhooks/{provider}`).filter((name) => OPERATIONS.some((one) => title(one) === name)),
    );
  });

  const expectRefused = async (operation: Operation, kinds: readonly string[]): Promise<void> => {
    const answers = await Promise.all(
      kinds.map(async (name) => {
        const response = await call(app, operation, BAD_TOKENS[name]!);
        const problem = (await response.json()) as { code: string };
        return [name, response.status, problem.code, response.headers.get('www-authenticate')];
      }),
    );
    expect(answers).toEqual(kinds.map((name) => [name, 401, 'unauthorized', 'Bearer']));
  };

  test.each(['GET', 'POST', 'DELETE'])('no bad token of whatever kind gets in (%s)', (method) => expectRefused(GUARDED.find((operation) => operation.method === method)!, Object.keys(BAD_TOKENS)));

  describe.each(GUARDED.map((operation) => [title(operation), operation] as const))('%s', (_, operation) => {
    test('nobody gets in without a token, or with one that is over or somebody else’s', async () => {
      await expectRefused(operation, ['no token', 'expired', 'another secret']);
    });

    test('the roles the document names get in, and no other', async () => {
      const permission = operation['x-permission'] as Permission;
      const admitted = async (roles: string[]): Promise<boolean> => {
        const response = await call(app, operation, token(app.tenant, roles));
        expect(response.status).not.toBe(401);
        expect(response.status).toBeLessThan(500);
        if (response.status === 403) expect(await response.json()).toMatchObject({ code: 'forbidden' });
        else await response.body?.cancel();
        return response.status !== 403;
      };
      const answers = await Promise.all(ROLES.map(async (role) => [role, await admitted([role])]));
      expect(answers).toEqual(ROLES.map((role) => [role, permits([role], permission)]));
      expect(await Promise.all([admitted(['owner']), admitted([]), admitted(['SUPER_ADMIN']), admitted(['marketing,super_admin'])])).toEqual([false, false, false, false]);
      expect(await admitted(['owner', 'super_admin'])).toBe(true);
    });

    test('X-Tenant-Id is for platform roles, and for tenants that somebody has seen', async () => {
      const other = newTenant();
      const refused = await Promise.all(ROLES.slice(0, 5).map((role) => call(app, operation, token(app.tenant, [role]), { 'x-tenant-id': other })));
      expect(refused.map(({ status }) => status)).toEqual(Array(5).fill(403));
      const unknown = await call(app, operation, token(app.tenant, ['super_admin']), { 'x-tenant-id': other });
      expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: 'tenant_not_found' }]);
      expect(await app.sql('SELECT 1 FROM tenants WHERE name = $1', [other])).toEqual([]);
    });
  });

  test.each([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt'])('a token of type %p gets in', async (typ) => {
    expect((await app.fetch('/api/v1/marketing/settings', { token: forge({ alg: 'HS256', typ }, { ...claims, tenant_id: app.tenant }, TEST_SECRET) })).status).toBe(200);
  });

  test('of a claim told twice the last counts (RFC 7519 §4), for the signature as for us', async () => {
    const json = `{"roles":["super_admin"],${JSON.stringify({ ...claims, tenant_id: app.tenant, roles: ['owner'] }).slice(1)}`;
    const twice = `${part({ alg: 'HS256' })}.${Buffer.from(json).toString('base64url')}`;
    const signed = `${twice}.${createHmac('sha256', TEST_SECRET).update(twice).digest('base64url')}`;
    expect((await app.fetch('/api/v1/marketing/settings', { token: signed })).status).toBe(403);
  });

  test('a role may be told as `role`, and within 30 seconds of skew', async () => {
    const settings = (over: object) => app.fetch('/api/v1/marketing/settings', { token: token(app.tenant, [], { roles: undefined, ...over }) });
    expect((await settings({ role: 'marketing' })).status).toBe(200);
    expect((await settings({ role: 'owner' })).status).toBe(403);
    expect((await settings({ role: 'marketing', exp: now() - 20 })).status).toBe(200);
    expect((await settings({ role: 'marketing', nbf: now() + 20 })).status).toBe(200);
  });

  test('X-Tenant-Id names tenants in any letters, as UTF-8', async () => {
    const name = `Küche-${newTenant()}`;
    await app.api(['tenant_admin'], name).PATCH('/api/v1/marketing/settings', { body: { timezone: 'Asia/Tokyo' } });
    const header = { 'x-tenant-id': Buffer.from(name).toString('latin1') }; // fetch sends a byte for each character
    for (const by of [token(name, ['marketing']), token(newTenant(), ['super_admin'])]) {
      expect(await (await app.fetch('/api/v1/marketing/settings', { token: by, headers: header })).json()).toMatchObject({ timezone: 'Asia/Tokyo' });
    }
  });

  test('a platform role acts for another tenant, and that is kept', async () => {
    const [home, other] = [newTenant(), newTenant()];
    await app.api(['tenant_admin'], other).PATCH('/api/v1/marketing/settings', { body: { timezone: 'Asia/Tokyo' } });
    const visit = (role: Role, wanted: string) => app.fetch('/api/v1/marketing/settings', { token: token(home, [role]), headers: { 'x-tenant-id': wanted } });
    for (const role of ROLES.slice(5)) expect(await (await visit(role, other)).json()).toMatchObject({ timezone: 'Asia/Tokyo' });
    for (const role of ROLES) expect((await visit(role, home)).status).toBe(200); // naming one's own is no visit
    const kept = await app.sql<{ actor: string; detail: object }>(
      `SELECT actor, detail FROM audit_log WHERE action = 'tenant.visited' AND tenant_id = (SELECT id FROM tenants WHERE name = $1) ORDER BY id`,
      [other],
    );
    expect(kept).toHaveLength(3);
    expect(kept[0]).toMatchObject({ actor: 'user_1', detail: { home, method: 'GET', route: '/api/v1/marketing/settings' } });
    const { data } = await app.api(['tenant_admin'], other).GET('/api/v1/marketing/audit-log');
    expect(data!.data.filter(({ action }) => action === 'tenant.visited')).toHaveLength(3);
  });
});

describe('access by a key set', () => {
  let keys: Awaited<ReturnType<typeof keySetServer>>;
  let app: TestApp;
  beforeAll(async () => {
    keys = await keySetServer();
    app = await startApp({ env: { JWT_SECRET: '', JWT_JWKS_URL: keys.url, JWT_ISSUER: 'https://id.example.com', JWT_AUDIENCE: 'marketing' } });
  });
  afterAll(async () => {
    await app.close();
    await keys.close();
  });

  const named = { iss: 'https://id.example.com', aud: 'marketing' };
  const payload = (over: object = {}): object => ({ ...claims, tenant_id: app.tenant, ...named, ...over });
  const status = async (bearer: string): Promise<number> => (await app.fetch('/api/v1/marketing/settings', { token: bearer })).status;

  test('RS256 and ES256 of the set’s keys get in', async () => {
    expect(await status(keys.sign('RS256', payload()))).toBe(200);
    expect(await status(keys.sign('ES256', payload()))).toBe(200);
    expect(await status(keys.sign('RS256', payload({ aud: ['other', 'marketing'] })))).toBe(200);
  });

  test('another issuer or audience does not', async () => {
    expect(await status(keys.sign('RS256', payload({ iss: 'https://evil.example.com' })))).toBe(401);
    expect(await status(keys.sign('RS256', payload({ iss: undefined })))).toBe(401);
    expect(await status(keys.sign('ES256', payload({ aud: 'shop' })))).toBe(401);
    expect(await status(keys.sign('ES256', payload({ aud: undefined })))).toBe(401);
  });

  test('a public key is no HMAC secret, on any route', async () => {
    const attacks = [
      ...keys.publicKeys('RS256').map((publicKey) => forge({ alg: 'HS256', typ: 'JWT', kid: 'rsa' }, payload(), publicKey)),
      ...keys.publicKeys('ES256').map((publicKey) => forge({ alg: 'HS256', kid: 'ec' }, payload(), publicKey)),
      forge({ alg: 'HS256', kid: 'rsa' }, payload(), TEST_SECRET),
      forge({ alg: 'none', kid: 'rsa' }, payload()),
      `${part({ alg: 'RS256', typ: 'JWT', kid: 'rsa' })}.bm9uc2Vuc2U.AAAA`,
      `${part({ alg: 'RS256', typ: 'JWT' })}.bm9uc2Vuc2U.AAAA`,
      keys.sign('RS256', payload(), ''),
      keys.sign('RS256', payload()).replace(/[^.]+$/, keys.sign('ES256', payload()).split('.')[2]!),
    ];
    for (const operation of GUARDED) {
      const answers = await Promise.all(attacks.map(async (bad) => (await call(app, operation, bad)).status));
      expect([title(operation), ...answers]).toEqual([title(operation), ...attacks.map(() => 401)]);
    }
  });

  test('a key nobody published does not; nor does the key of one algorithm under the other', async () => {
    expect(await status(jwt.sign(payload(), strangersKey, { algorithm: 'RS256', keyid: 'rsa' }))).toBe(401);
    expect(await status(jwt.sign(payload(), strangersKey, { algorithm: 'RS256', keyid: 'unknown' }))).toBe(401);
    expect(await status(keys.sign('RS256', payload(), 'ec'))).toBe(401);
    expect(await status(keys.sign('ES256', payload(), 'rsa'))).toBe(401);
    expect(await status(keys.sign('PS256', payload()))).toBe(401);
  });

  test('made-up key ids neither shut out who has a key nor have the provider asked again and again', async () => {
    expect(await status(keys.sign('RS256', payload()))).toBe(200);
    app.clock.advance(60_000);
    const asked = keys.asked();
    for (let n = 0; n < 30; n++) expect(await status(keys.sign('RS256', payload(), `made-up-${n}`))).toBe(401);
    expect(keys.asked() - asked).toBe(1);
    app.clock.advance(700_000); // the known keys are looked up anew
    const later = { exp: now() + 2 * HOUR };
    expect(await status(keys.sign('ES256', payload(later)))).toBe(200);
    expect(await status(keys.sign('RS256', payload(later)))).toBe(200);
  });

  test('while the provider fails it is not called with each token, and whose key is known is served', async () => {
    expect(await status(keys.sign('RS256', payload()))).toBe(200);
    app.clock.advance(60_000);
    keys.fail(true);
    const asked = keys.asked();
    for (let n = 0; n < 10; n++) expect(await status(keys.sign('RS256', payload(), `of-tomorrow-${n}`))).toBe(503);
    expect(await status(keys.sign('RS256', payload()))).toBe(200);
    expect(keys.asked() - asked).toBe(1);
    keys.fail(false);
    app.clock.advance(5_000);
    expect(await status(keys.sign('RS256', payload(), 'made-up'))).toBe(401);
    expect(keys.asked() - asked).toBe(2);
  });

  test('while the key set cannot be had, nobody is called a forger', async () => {
    const down = await startApp({ env: { JWT_SECRET: '', JWT_JWKS_URL: 'http://127.0.0.1:1/jwks' } });
    const response = await down.fetch('/api/v1/marketing/settings', { token: keys.sign('RS256', payload()) });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    await down.close();
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { type DynamicModule, Controller, Get, Module } from '@nestjs/common';
import { createApp } from '#app/api/src/configure-app';
import { PinoLogger } from '#app/api/src/logger';
import { AuthModule, TenantDirectory } from '#auth';
import { ConfigModule, loadEnv } from '#config';
import { eventually } from './support/eventually.js';
import { startApp, type TestApp } from './support/app.js';
import { TEST_SECRET, token } from './support/tokens.js';

const SETTINGS = '/api/v1/marketing/settings';

describe('operation', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  test('liveness, readiness, metrics and the document need no token', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs']) {
      const response = await app.fetch(path, { token: '' });
      await response.text(); // an answer that nobody reads to its end would hold up the shutdown
      expect([path, response.status]).toEqual([path, 200]);
    }
    expect(await (await app.fetch('/metrics')).text()).toMatch(/http_request_duration_seconds_count\{method="GET",route="\/health\/live",status="200"\}/);
  });

  test('every answer has a request id: the caller’s when it is a sane one', async () => {
    const ask = async (id?: string) => (await app.fetch(SETTINGS, { headers: id === undefined ? {} : { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await ask()).toMatch(/^req_/);
    expect(await ask('order-4711-retry')).toBe('order-4711-retry');
    expect(await ask('<script>')).toMatch(/^req_/);
    expect((await app.fetch('/nowhere')).headers.get('x-request-id')).toMatch(/^req_/);
    expect((await app.fetch('/api/v1/marketing/%zz')).headers.get('content-type')).toMatch('application/problem+json');
  });

  test('readiness turns 503 as soon as shutdown begins', async () => {
    const dying = await startApp();
    const { Readiness } = await import('#app/api/src/health.controller');
    dying.nest.get(Readiness).beforeApplicationShutdown();
    const response = await dying.fetch('/health/ready');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    await dying.close();
  });

  test('a shutdown answers the request under way, and does not wait for its client to hang up', async () => {
    const dying = await startApp();
    const body = JSON.stringify({ name: 'In time', type: 'static' });
    const socket = connect(Number(new URL(dying.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    const hungUp = once(socket, 'close');
    const head = ['POST /api/v1/marketing/segments HTTP/1.1', 'Host: x', `Authorization: Bearer ${token(dying.tenant)}`, 'Content-Type: application/json', 'Expect: 100-continue', `Content-Length: ${body.length}`];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
    await eventually(() => expect(answer).toBe('HTTP/1.1 100 Continue\r\n\r\n')); // so the request is under way
    const closed = dying.nest.close();
    socket.write(`${body.slice(5)}GET /api/v1/marketing/settings HTTP/1.1\r\nHost: x\r\n\r\n`);
    await hungUp;
    expect(answer).toMatch(/\r\nHTTP\/1.1 201 /);
    expect(answer).toMatch(/HTTP\/1.1 503 [^]*application\/problem\+json[^]*"code":"unavailable"/); // what comes after the shutdown began
    await closed;
    await dying.close();
  });

  test('a tenant over its rate waits; another does not', async () => {
    const limited = await startApp({ env: { RATE_LIMIT_RPS: '3' } });
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await limited.fetch(SETTINGS)).status));
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(4);
    const refused = await limited.fetch(SETTINGS);
    if (refused.status === 429) expect([refused.headers.get('retry-after'), ((await refused.json()) as { code: string }).code]).toEqual(['1', 'rate_limited']);
    expect((await limited.fetch(SETTINGS, { token: token('somebody-else') })).status).toBe(200);
    await limited.close();
  });
});

describe('the log', () => {
  test('has the request id and the tenant, and nothing personal', () => {
    const lines: string[] = [];
    const logger = new PinoLogger('debug', { write: (line) => void lines.push(line) });
    logger.log({ msg: 'request', request_id: 'req_1', tenant: 'acme', email: 'ann@example.com', data: { phone: '+14155550100' } }, 'http');
    logger.error(Object.assign(new Error('duplicate key'), { code: '23505', parameters: ['ann@example.com'], query: 'INSERT …' }));
    expect(lines.join()).toMatch(/"request_id":"req_1","tenant":"acme"/);
    expect(lines.join()).not.toMatch(/ann@example|4155550100/);
  });
});

describe('access', () => {
  test('a route that declares none stops the boot', async () => {
    @Controller('forgotten')
    class ForgottenController {
      @Get()
      listForgotten(): string {
        return 'open to all';
      }
    }
    const env = loadEnv({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', JWT_SECRET: TEST_SECRET, SECRETS_KEY: 'ab'.repeat(32) });
    const directory: DynamicModule = { module: class Directory {}, global: true, providers: [{ provide: TenantDirectory, useValue: {} }], exports: [TenantDirectory] };
    @Module({ imports: [ConfigModule.forRoot(env), directory, AuthModule], controllers: [ForgottenController] })
    class Forgotten {}
    const boot = async () => (await createApp(Forgotten, false)).init();
    await expect(boot()).rejects.toThrow('ForgottenController.listForgotten declares no access');
  });
});

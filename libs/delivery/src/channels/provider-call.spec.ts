import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';
import { call } from './provider-call.js';

describe('what a provider’s answer means for a message', () => {
  let server: Server;
  let url: string;
  let answer: { status: number; headers?: Record<string, string>; body?: Buffer } | null;
  beforeEach(async () => {
    server = createServer((request, response) => (answer === null ? request.socket.destroy() : response.writeHead(answer.status, answer.headers).end(answer.body ?? '{}')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const ask = () => call('acme', url, { method: 'POST', headers: {}, body: '{}' });

  test.each<[number, string | undefined, object]>([
    [400, undefined, { status: 'rejected', reason: 'acme_400' }],
    [422, undefined, { status: 'rejected' }],
    [401, undefined, { status: 'barred', reason: 'acme_401' }],
    [403, undefined, { status: 'barred' }],
    [429, '30', { status: 'retry', reached: true, pauseMs: 30_000 }],
    [429, undefined, { status: 'retry', reached: true, pauseMs: 0 }],
    [429, 'soon', { status: 'retry', reached: true, pauseMs: 0 }],
    [429, '-5', { status: 'retry', reached: true, pauseMs: 0 }],
    [429, '999999999', { status: 'retry', reached: true, pauseMs: 86_400_000 }],
    [503, '1', { status: 'retry', reached: true, pauseMs: 1_000 }],
    [503, undefined, { status: 'unknown', reason: 'acme_503' }],
    [500, '1', { status: 'unknown' }],
    [302, undefined, { status: 'unknown' }],
  ])('%i with Retry-After %s', async (status, later, outcome) => {
    answer = { status, headers: later === undefined ? {} : { 'retry-after': later } };
    expect(await ask()).toMatchObject({ ok: false, status, outcome });
  });

  test('a date in Retry-After is how long it is until then', async () => {
    answer = { status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } };
    const told = await ask();
    const pause = !told.ok && told.outcome.status === 'retry' ? told.outcome.pauseMs! : 0;
    expect(pause).toBeGreaterThan(57_000);
    expect(pause).toBeLessThanOrEqual(60_000);
  });

  test('of what has no end, packed or not, the beginning is read', async () => {
    answer = { status: 200, headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(50_000_000, 'x')) };
    expect(await ask()).toMatchObject({ ok: true, body: 'x'.repeat(65_536) });
  });

  test('nobody knows when it hangs up; nothing was sent where nobody listens', async () => {
    answer = null;
    expect(await ask()).toMatchObject({ status: null, outcome: { status: 'unknown' } });
    server.close();
    server.closeAllConnections();
    expect(await ask()).toMatchObject({ status: null, outcome: { status: 'retry', reason: 'acme_econnrefused', reached: false } });
  });
});

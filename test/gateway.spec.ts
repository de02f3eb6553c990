import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

/*
 * The gateway as it ships: Debian's nginx with the rendered template, in front of an API that tells what it was asked for.
 */

const TEMPLATE = readFileSync(new URL('../../apps/gateway/nginx.conf.template', import.meta.url), 'utf8');
const NGINX = findNginx();
const MISSING = 'nginx is not installed: apt-get install --no-install-recommends nginx';

const MIB = 1024 * 1024;
const MARKETING = '/api/v1/marketing';

if (NGINX === undefined && process.env.CI) {
  it('has an nginx to test the gateway with', () => {
    throw new Error(MISSING);
  });
} else if (NGINX === undefined) {
  console.warn(`The gateway's tests are skipped. ${MISSING}`);
}

(NGINX === undefined ? describe.skip : describe)(`the gateway${NGINX === undefined ? ` (skipped: ${MISSING})` : ''}`, () => {
  let api: Api;
  let gateway: Gateway;

  beforeAll(async () => {
    api = await startApi();
    gateway = await startGateway(`127.0.0.1:${api.port}`);
  });

  afterAll(async () => {
    await gateway?.stop();
    await api?.stop();
  });

  beforeEach(() => {
    api.seen.length = 0;
  });

  describe('publishes', () => {
    it.each([
      ['/v1/commerce/marketing/campaigns', `${MARKETING}/campaigns`],
      ['/v1/commerce/marketing/customers/c-1?x=1', `${MARKETING}/customers/c-1?x=1`],
      ['/v1/commerce/marketing/', `${MARKETING}/`],
      ['/v1/commerce/campaigns', `${MARKETING}/campaigns`],
      ['/v1/commerce/campaigns/camp_1/start', `${MARKETING}/campaigns/camp_1/start`],
      ['/v1/commerce/campaigns?status=active&page=2', `${MARKETING}/campaigns?status=active&page=2`],
      ['/v1/commerce/segments/', `${MARKETING}/segments/`],
      ['/v1/commerce/webhooks/sendgrid?connection=whc_1', `${MARKETING}/webhooks/sendgrid?connection=whc_1`],
      ['/v1/commerce/funnels?funnel_type=onboarding', `${MARKETING}/funnels?funnel_type=onboarding`],
      ['/v1/commerce/promos/validate', `${MARKETING}/promos/validate`],
      [`${MARKETING}/webhooks/twilio?connection=whc_1`, `${MARKETING}/webhooks/twilio?connection=whc_1`],
      ['/t/u/token', '/t/u/token'],
      ['/docs', '/docs'],
      ['/docs/swagger-ui.css', '/docs/swagger-ui.css'],
      ['/docs?x', '/docs?x'],
      ['/openapi.json', '/openapi.json'],
    ])('%s', async (path, upstream) => {
      expect((await send(gateway, { path })).json).toMatchObject({ method: 'GET', url: upstream });
    });
  });

  describe('keeps every byte of', () => {
    it.each([
      ['/v1/commerce/marketing/customers/a%2Fb%20c%25', `${MARKETING}/customers/a%2Fb%20c%25`],
      ['/v1/commerce/marketing/customers/%c3%A9+%7e~', `${MARKETING}/customers/%c3%A9+%7e~`],
      ['/v1/commerce/webhooks/hubspot?a=%2f%2F&b=c%20d+e&a=&&%E2%82%ac', `${MARKETING}/webhooks/hubspot?a=%2f%2F&b=c%20d+e&a=&&%E2%82%ac`],
      ['/v1/commerce/campaigns?', `${MARKETING}/campaigns?`],
      ['/v1/commerce/campaigns?next=//x/../y%2e%2e/#f', `${MARKETING}/campaigns?next=//x/../y%2e%2e/#f`],
      [`${MARKETING}/webhooks/twilio?u=http://h/?q=%5b1%5D`, `${MARKETING}/webhooks/twilio?u=http://h/?q=%5b1%5D`],
    ])('%s', async (path, upstream) => {
      expect((await send(gateway, { path })).json).toMatchObject({ url: upstream, headers: { 'x-forwarded-uri': path } });
    });
  });

  describe('does not publish', () => {
    it.each([
      '/',
      '/health',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/problem',
      '/api/v1/other',
      '/api/v1/marketing',
      '/api/v1/marketingX/campaigns',
      '/t',
      '/docsX',
      '/openapi.jsonX',
      '/v1/commerce',
      '/v1/commerce/customers',
      '/v1/commerce/customers/import',
      '/v1/commerce/campaignsX',
      '/v1/commerce/campaigns;x',
      '/v1/commerce/campaigns%2Fx',
      '/v1/commerce/Campaigns',
      '/v1/commerce/marketingX/campaigns',
      '/v1/commerce//campaigns',
      '//v1/commerce/campaigns',
      '/v1/commerce/marketing//campaigns',
      '/v1/commerce/marketing/../../metrics',
      '/v1/commerce/marketing/../../../metrics',
      '/v1/commerce/marketing/%2e%2e/%2E%2e/metrics',
      '/v1/commerce/marketing/.%2e/.%2E/metrics',
      '/v1/commerce/marketing/..%2f..%2fmetrics',
      '/v1/commerce/marketing/x%2f..%2F..%2f..%2f..%2f..%2fmetrics',
      '/v1/commerce/marketing/..%5c..%5cmetrics',
      '/v1/commerce/marketing/..\\..\\metrics',
      '/v1/commerce/marketing/./campaigns',
      '/v1/commerce/marketing/..',
      '/v1/commerce/marketing/..?x=1',
      '/v1/commerce/campaigns/../customers',
      '/v1/commerce/campaigns#/../../metrics',
      '/v1/commerce/"customers"?x=1',
      '/t/../metrics',
      '/t/%2e%2e/metrics',
      '/docs/../metrics',
      '/openapi.json/../metrics',
      '/metrics/../v1/commerce/campaigns',
      '/v1/commerce/marketing/customers/../../../customers/import',
    ])('%s', async (path) => {
      const answer = await send(gateway, { path });

      // 400 is what nginx answers by itself, before it reads a header, when the dots climb above the root.
      expect([400, 404]).toContain(answer.status);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.json).toEqual({
        type: 'about:blank',
        title: STATUS_CODES[answer.status!],
        status: answer.status,
        detail: expect.any(String),
        instance: answer.status === 400 || /["\\#]/.test(path) ? '/' : path.split('?')[0],
        code: answer.status === 404 ? 'not_found' : 'validation_failed',
        request_id: answer.headers['x-request-id'],
      });
      expect(api.seen).toEqual([]);
    });

    it('an absolute request line to another path', async () => {
      expect(await rawStatus(gateway, 'GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toBe(404);
    });
  });

  describe('tells the API', () => {
    it('who called, believing nothing the caller says of that', async () => {
      const { json } = await send(gateway, {
        path: '/v1/commerce/campaigns',
        headers: {
          host: 'crm.example.com:8080',
          'x-forwarded-for': '203.0.113.9',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'evil.example',
          'x-forwarded-uri': '/elsewhere',
          'x-real-ip': '203.0.113.9',
          forwarded: 'for=203.0.113.9',
        },
      });

      expect(json.headers).toMatchObject({
        host: 'crm.example.com',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'crm.example.com:8080',
        'x-forwarded-uri': '/v1/commerce/campaigns',
      });
      expect(json.headers).not.toHaveProperty('x-real-ip');
      expect(json.headers).not.toHaveProperty('forwarded');
    });

    it('the request id of the caller, or one of its own', async () => {
      const requestId = async (given?: string) =>
        (await send(gateway, { path: '/v1/commerce/campaigns', headers: given === undefined ? {} : { 'x-request-id': given } })).json.headers['x-request-id'];

      expect(await requestId('9f-a.B:1_')).toBe('9f-a.B:1_');
      expect(await requestId()).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('"},{"')).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('x'.repeat(7))).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('x'.repeat(129))).toMatch(/^[0-9a-f]{32}$/);
    });

    it('credentials and signatures as they came', async () => {
      const headers = { authorization: 'Bearer a.b.c', 'x-twilio-signature': 'c2ln', 'x-webhook-timestamp': '1769279400', 'idempotency-key': 'k-1' };
      const { json } = await send(gateway, { method: 'POST', path: `${MARKETING}/webhooks/twilio`, headers, body: 'a=1&b=%20' });

      expect(json).toMatchObject({ method: 'POST', headers, body: 'a=1&b=%20' });
    });
  });

  describe('lets the answer through', () => {
    it.each([401, 404, 413, 422, 502, 503])('with a %i of the API as it is', async (status) => {
      const answer = await send(gateway, { path: `/v1/commerce/campaigns/status-${status}` });

      expect(answer).toMatchObject({ status, json: { code: 'of_the_api' }, headers: { 'content-type': 'application/problem+json' } });
    });

    it('with redirects untouched', async () => {
      const answer = await send(gateway, { path: '/t/c/redirect' });

      expect(answer).toMatchObject({ status: 302, headers: { location: `http://127.0.0.1:${api.port}/menu?a=%20b` } });
    });

    it('compressed, with an ETag that still satisfies If-Match', async () => {
      const path = '/v1/commerce/campaigns/large';
      const answer = await send(gateway, { path, headers: { 'accept-encoding': 'gzip' } });
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding', etag: 'W/"7"' });
      expect(gunzipSync(answer.body)).toHaveLength(LARGE.length);

      const ifMatch = async (tag: string) => (await send(gateway, { method: 'PATCH', path: '/v1/commerce/campaigns/1', headers: { 'if-match': tag } })).json.headers['if-match'];
      expect(await ifMatch('W/"7"')).toBe('"7"');
      expect(await ifMatch('"7"')).toBe('"7"');
      expect(await ifMatch('*')).toBe('*');
    });

    it('without a version of nginx', async () => {
      expect((await send(gateway, { path: '/v1/commerce/campaigns' })).headers.server).toBe('nginx');
      expect((await send(gateway, { path: '/metrics' })).headers.server).toBe('nginx');
    });
  });

  describe('takes bodies', () => {
    it('of 5 MiB and a little, so that the API is the one to refuse them', async () => {
      const body = Buffer.alloc(5.5 * MIB, 'x');

      expect((await send(gateway, { method: 'POST', path: '/v1/commerce/webhooks/sendgrid', body })).json).toMatchObject({ bytes: body.length });
    });

    it.each<Record<string, string>>([
      { 'content-length': String(7 * MIB) },
      { 'transfer-encoding': 'chunked' },
    ])('and refuses much larger ones itself (%o)', async (headers) => {
      const body = Buffer.alloc(7 * MIB, 'x');
      const answer = await send(gateway, { method: 'POST', path: '/v1/commerce/webhooks/sendgrid', body, headers });

      expect(answer).toMatchObject({ status: 413, headers: { 'content-type': 'application/problem+json' }, json: { status: 413, code: 'payload_too_large' } });
      expect(api.seen).toEqual([]);
    });

    it.each([
      '/v1/commerce/marketing/customers/import',
      '/v1/commerce/marketing/segments/seg_1/import',
      '/v1/commerce/segments/seg_1/import?dry=1',
      `${MARKETING}/customers/import`,
    ])('of any size for %s', async (path) => {
      const body = Buffer.alloc(24 * MIB, 'x');

      expect((await send(gateway, { method: 'POST', path, body })).json).toMatchObject({ bytes: body.length });
    });

    it('of imports as they arrive', async () => {
      const request = http.request({ port: gateway.port, method: 'POST', path: '/v1/commerce/marketing/customers/import' });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      request.write('customer_id,email\n');
      await eventually(() => expect(api.seen).toMatchObject([{ bytes: 18 }]));
      request.end('c-1,ada@example.com\n');

      expect(await read((await answered)[0])).toMatchObject({ status: 200, json: { body: 'customer_id,email\nc-1,ada@example.com\n' } });
    });

    it('of imports only as far as the API wants them', async () => {
      const answer = await send(gateway, { method: 'POST', path: `${MARKETING}/customers/import?refuse`, body: Buffer.alloc(8 * MIB, 'x') });

      expect(answer).toMatchObject({ status: 401, json: { code: 'of_the_api' } });
    });
  });

  describe('speaks for itself when', () => {
    it.each([
      ['the request line is broken', 'GET /v1/commerce/campaigns%zz HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['a header is broken', 'GET /v1/commerce/campaigns HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
      ['the URI is too long', `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
      ['a header is too long', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`, 431],
    ])('%s', async (_, text, status) => {
      const answer = await raw(gateway, text);

      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code: expect.any(String) });
    });

    it('the API is gone', async () => {
      await withGateway(`127.0.0.1:${await closedPort()}`, async (lonely) => {
        const answer = await send(lonely, { method: 'POST', path: '/v1/commerce/campaigns', body: '{}', headers: { 'x-request-id': 'req-00000008' } });

        expect(answer).toMatchObject({
          status: 503,
          headers: { 'content-type': 'application/problem+json', 'retry-after': '5', 'x-request-id': 'req-00000008' },
          json: { status: 503, code: 'unavailable', request_id: 'req-00000008' },
        });
      });
    });

    it('the API does not answer in time', async () => {
      await withGateway(
        `127.0.0.1:${api.port}`,
        async (hasty) => {
          const answer = await send(hasty, { path: '/v1/commerce/campaigns/silent' });

          expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, json: { code: 'unavailable' } });
          expect(api.seen).toHaveLength(1);
        },
        (conf) => conf.replace(/proxy_read_timeout \w+;/, 'proxy_read_timeout 1s;'),
      );
    });
  });

  describe('with several copies of the API', () => {
    it('tries the next one when one refuses the connection, whatever the method', async () => {
      // One variable, two servers: what `resolve` makes of a name with two addresses.
      await withGateway(`127.0.0.1:${await closedPort()}; server 127.0.0.1:${api.port}`, async (pair) => {
        for (let i = 0; i < 4; i++) expect((await send(pair, { method: 'POST', path: '/v1/commerce/campaigns', body: '{}' })).status).toBe(200);
      });
    });

    it('sends a POST or PATCH once, even when its connection breaks', async () => {
      const other = await startApi();
      try {
        await withGateway(`127.0.0.1:${other.port}; server 127.0.0.1:${api.port}`, async (pair) => {
          for (const method of ['POST', 'PATCH']) {
            // The connections are warm: nginx could take the break for a keepalive that the API had closed.
            for (let i = 0; i < 2; i++) await send(pair, { path: '/v1/commerce/campaigns' });
            api.seen.length = other.seen.length = 0;

            expect((await send(pair, { method, path: '/v1/commerce/campaigns/broken', body: '{}' })).status).toBe(503);
            expect([...api.seen, ...other.seen]).toHaveLength(1);
          }
        });
      } finally {
        await other.stop();
      }
    });
  });

  it('keeps connections to the API', async () => {
    for (let i = 0; i < 10; i++) await send(gateway, { path: '/v1/commerce/campaigns' });

    expect(new Set(api.seen.map((request) => request.remotePort)).size).toBe(1);
  });

  it('logs each request as JSON, without the query string', async () => {
    await send(gateway, { path: '/v1/commerce/webhooks/mailchimp?secret=s3cret', headers: { 'x-request-id': 'req-logged' } });

    await eventually(() => expect(gateway.log().map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ request_id: 'req-logged', path: '/v1/commerce/webhooks/mailchimp', status: 200 }),
    ));
    expect(gateway.log().join()).not.toContain('s3cret');
  });
});

const LARGE = JSON.stringify({ data: Array(500).fill({ id: 'camp_001' }) });

interface Seen {
  method?: string;
  url?: string;
  headers: IncomingHttpHeaders;
  remotePort?: number;
  bytes: number;
}

interface Api {
  port: number;
  /** Every request so far, from the moment its headers arrived. */
  seen: Seen[];
  stop(): Promise<void>;
}

/** An API that answers with what it was asked, or as the last segment of the path says. */
async function startApi(): Promise<Api> {
  const seen: Seen[] = [];
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<unknown> => {
    const { method, url = '', headers, socket } = request;
    const entry: Seen = { method, url, headers, remotePort: socket.remotePort, bytes: 0 };
    seen.push(entry);
    const problem = (status: number) => response.writeHead(status, { 'content-type': 'application/problem+json' }).end('{"code":"of_the_api"}');
    if (url.endsWith('?refuse')) return problem(401);

    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      entry.bytes += chunk.length;
      if (entry.bytes <= MIB) chunks.push(chunk);
    }
    if (url.endsWith('/broken')) return socket.destroy();
    if (url.endsWith('/silent')) return;
    if (url.endsWith('/redirect')) return response.writeHead(302, { location: `http://${socket.localAddress}:${socket.localPort}/menu?a=%20b` }).end();
    if (url.endsWith('/large')) return response.writeHead(200, { 'content-type': 'application/json', etag: '"7"' }).end(LARGE);
    const status = /status-(\d+)$/.exec(url)?.[1];
    if (status !== undefined) return problem(Number(status));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...entry, body: Buffer.concat(chunks).toString() }));
  };
  const server = http.createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Gateway {
  port: number;
  /** The lines of the access log. */
  log(): string[];
  stop(): Promise<void>;
}

/** Starts nginx with the template as the image renders it, everything it writes in a directory of its own. */
async function startGateway(upstream: string, change = (conf: string) => conf): Promise<Gateway> {
  const prefix = mkdtempSync(join(tmpdir(), 'gateway-'));
  chmodSync(prefix, 0o755); // started by root, the workers are another user, who must be able to enter
  const port = await closedPort();
  const values: Record<string, string> = { GATEWAY_LISTEN: `127.0.0.1:${port}`, GATEWAY_API: upstream, GATEWAY_RESOLVER: '127.0.0.1' };
  writeFileSync(join(prefix, 'default.conf'), change(TEMPLATE.replace(/\$\{(GATEWAY_\w+)\}/g, (_, name: string) => values[name] ?? `\${${name}}`)));
  writeFileSync(
    join(prefix, 'nginx.conf'),
    `daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
     events { }
     http {
       ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
       include default.conf;
     }`,
  );
  // Files, not pipes: nginx opens /dev/stdout, which a pipe of ours does not allow.
  const files = ['access.log', 'error.log'].map((name) => openSync(join(prefix, name), 'a'));
  const nginx = spawn(NGINX as string, ['-p', prefix, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: ['ignore', ...files] });
  files.forEach(closeSync);
  const errors = () => readFileSync(join(prefix, 'error.log'), 'utf8');
  const stop = async () => {
    await stopped(nginx);
    rmSync(prefix, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      if (nginx.exitCode !== null) throw new Error(errors());
      await connected(port);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, log: () => readFileSync(join(prefix, 'access.log'), 'utf8').split('\n').filter(Boolean), stop };
}

async function withGateway(upstream: string, use: (gateway: Gateway) => Promise<void>, change?: (conf: string) => string): Promise<void> {
  const gateway = await startGateway(upstream, change);
  try {
    await use(gateway);
  } finally {
    await gateway.stop();
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

interface Answer {
  status?: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** One request with the path exactly as written; fetch() would resolve its dots. */
async function send(to: Gateway, { body, ...options }: { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer }): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port: to.port, agent: false, ...options });
  const response = once(request, 'response') as Promise<[IncomingMessage]>;
  request.on('error', () => undefined); // an answer that comes before the body was taken; without one, `response` rejects
  request.end(body);
  return read((await response)[0]);
}

async function read(response: IncomingMessage): Promise<Answer> {
  const body = Buffer.concat(await response.toArray());
  const isJson = response.headers['content-encoding'] === undefined && /json$/.test(response.headers['content-type'] ?? '');
  return { status: response.statusCode, headers: response.headers, body, json: isJson ? JSON.parse(body.toString()) : undefined };
}

/** What comes back for bytes that no client library would send. */
async function raw(to: Gateway, text: string): Promise<string> {
  const socket = net.connect(to.port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function rawStatus(to: Gateway, text: string): Promise<number> {
  return Number((await raw(to, text)).split(' ')[1]);
}

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function connected(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Tries again, for five seconds at most, until `check` does not throw. */
async function eventually(check: () => unknown): Promise<void> {
  for (const deadline = Date.now() + 5000; ; await sleep(20)) {
    try {
      return void (await check());
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** Debian keeps nginx in a directory that is only on root's PATH. */
function findNginx(): string | undefined {
  const candidates = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].map((directory) => join(directory, 'nginx'));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

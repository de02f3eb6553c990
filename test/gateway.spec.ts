import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { LARGE, startEchoApi } from './support/echo-api.js';
import { eventually } from './support/eventually.js';
import { closedPort, withGateway } from './support/gateway.js';
import { describeGateway } from './support/gateway-suite.js';
import { raw, read, send } from './support/raw-http.js';

const MIB = 1024 * 1024;
const MARKETING = '/api/v1/marketing';

describeGateway('the gateway', (the) => {
  describe('tells the API', () => {
    it('who called, believing nothing the caller says of that', async () => {
      const { json } = await send(the.gateway, {
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
        (await send(the.gateway, { path: '/v1/commerce/campaigns', headers: given === undefined ? {} : { 'x-request-id': given } })).json.headers['x-request-id'];

      expect(await requestId('9f-a.B:1_')).toBe('9f-a.B:1_');
      expect(await requestId()).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('"},{"')).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('x'.repeat(7))).toMatch(/^[0-9a-f]{32}$/);
      expect(await requestId('x'.repeat(129))).toMatch(/^[0-9a-f]{32}$/);
    });

    it('credentials and signatures as they came', async () => {
      const headers = { authorization: 'Bearer a.b.c', 'x-twilio-signature': 'c2ln', 'x-webhook-timestamp': '1769279400', 'idempotency-key': 'k-1' };
      const { json } = await send(the.gateway, { method: 'POST', path: `${MARKETING}/webhooks/twilio`, headers, body: 'a=1&b=%20' });

      expect(json).toMatchObject({ method: 'POST', headers, body: 'a=1&b=%20' });
    });
  });

  describe('lets the answer through', () => {
    it.each([401, 404, 413, 422, 502, 503])('with a %i of the API as it is', async (status) => {
      const answer = await send(the.gateway, { path: `/v1/commerce/campaigns/status-${status}` });

      expect(answer).toMatchObject({ status, json: { code: 'of_the_api' }, headers: { 'content-type': 'application/problem+json' } });
    });

    it('with redirects untouched', async () => {
      const answer = await send(the.gateway, { path: '/t/c/redirect' });

      expect(answer).toMatchObject({ status: 302, headers: { location: `http://127.0.0.1:${the.api.port}/menu?a=%20b` } });
    });

    it('compressed, with an ETag that still satisfies If-Match', async () => {
      const path = '/v1/commerce/campaigns/large';
      const answer = await send(the.gateway, { path, headers: { 'accept-encoding': 'gzip' } });
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding', etag: 'W/"7"' });
      expect(gunzipSync(answer.body)).toHaveLength(LARGE.length);

      const ifMatch = async (tag: string) => (await send(the.gateway, { method: 'PATCH', path: '/v1/commerce/campaigns/1', headers: { 'if-match': tag } })).json.headers['if-match'];
      expect(await ifMatch('W/"7"')).toBe('"7"');
      expect(await ifMatch('"7"')).toBe('"7"');
      expect(await ifMatch('*')).toBe('*');
    });

    it('without a version of nginx', async () => {
      expect((await send(the.gateway, { path: '/v1/commerce/campaigns' })).headers.server).toBe('nginx');
      expect((await send(the.gateway, { path: '/metrics' })).headers.server).toBe('nginx');
    });
  });

  describe('takes bodies', () => {
    it('of 5 MiB and a little, so that the API is the one to refuse them', async () => {
      const body = Buffer.alloc(5.5 * MIB, 'x');

      expect((await send(the.gateway, { method: 'POST', path: '/v1/commerce/webhooks/sendgrid', body })).json).toMatchObject({ bytes: body.length });
    });

    it.each<Record<string, string>>([
      { 'content-length': String(7 * MIB) },
      { 'transfer-encoding': 'chunked' },
    ])('and refuses much larger ones itself (%o)', async (headers) => {
      const body = Buffer.alloc(7 * MIB, 'x');
      const answer = await send(the.gateway, { method: 'POST', path: '/v1/commerce/webhooks/sendgrid', body, headers });

      expect(answer).toMatchObject({ status: 413, headers: { 'content-type': 'application/problem+json' }, json: { status: 413, code: 'payload_too_large' } });
      expect(the.api.seen).toEqual([]);
    });

    it.each([
      '/v1/commerce/marketing/customers/import',
      '/v1/commerce/marketing/segments/seg_1/import',
      '/v1/commerce/segments/seg_1/import?dry=1',
      `${MARKETING}/customers/import`,
    ])('of any size for %s', async (path) => {
      const body = Buffer.alloc(24 * MIB, 'x');

      expect((await send(the.gateway, { method: 'POST', path, body })).json).toMatchObject({ bytes: body.length });
    });

    it('of imports as they arrive', async () => {
      const request = http.request({ port: the.gateway.port, method: 'POST', path: '/v1/commerce/marketing/customers/import' });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      request.write('customer_id,email\n');
      await eventually(() => expect(the.api.seen).toMatchObject([{ bytes: 18 }]));
      request.end('c-1,ada@example.com\n');

      expect(await read((await answered)[0])).toMatchObject({ status: 200, json: { body: 'customer_id,email\nc-1,ada@example.com\n' } });
    });

    it('of imports only as far as the API wants them', async () => {
      const answer = await send(the.gateway, { method: 'POST', path: `${MARKETING}/customers/import?refuse`, body: Buffer.alloc(8 * MIB, 'x') });

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
      const answer = await raw(the.gateway, text);

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
        `127.0.0.1:${the.api.port}`,
        async (hasty) => {
          const answer = await send(hasty, { path: '/v1/commerce/campaigns/silent' });

          expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' }, json: { code: 'unavailable' } });
          expect(the.api.seen).toHaveLength(1);
        },
        (conf) => conf.replace(/proxy_read_timeout \w+;/, 'proxy_read_timeout 1s;'),
      );
    });
  });

  describe('with several copies of the API', () => {
    it('tries the next one when one refuses the connection, whatever the method', async () => {
      // One variable, two servers: what `resolve` makes of a name with two addresses.
      await withGateway(`127.0.0.1:${await closedPort()}; server 127.0.0.1:${the.api.port}`, async (pair) => {
        for (let i = 0; i < 4; i++) expect((await send(pair, { method: 'POST', path: '/v1/commerce/campaigns', body: '{}' })).status).toBe(200);
      });
    });

    it('sends a POST or PATCH once, even when its connection breaks', async () => {
      const other = await startEchoApi();
      try {
        await withGateway(`127.0.0.1:${other.port}; server 127.0.0.1:${the.api.port}`, async (pair) => {
          for (const method of ['POST', 'PATCH']) {
            // The connections are warm: nginx could take the break for a keepalive that the API had closed.
            for (let i = 0; i < 2; i++) await send(pair, { path: '/v1/commerce/campaigns' });
            the.api.seen.length = other.seen.length = 0;

            expect((await send(pair, { method, path: '/v1/commerce/campaigns/broken', body: '{}' })).status).toBe(503);
            expect([...the.api.seen, ...other.seen]).toHaveLength(1);
          }
        });
      } finally {
        await other.stop();
      }
    });
  });

  it('keeps connections to the API', async () => {
    for (let i = 0; i < 10; i++) await send(the.gateway, { path: '/v1/commerce/campaigns' });

    expect(new Set(the.api.seen.map((request) => request.remotePort)).size).toBe(1);
  });

  it('logs each request as JSON, without the query string', async () => {
    await send(the.gateway, { path: '/v1/commerce/webhooks/mailchimp?secret=s3cret', headers: { 'x-request-id': 'req-logged' } });

    await eventually(() => expect(the.gateway.log().map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ request_id: 'req-logged', path: '/v1/commerce/webhooks/mailchimp', status: 200 }),
    ));
    expect(the.gateway.log().join()).not.toContain('s3cret');
  });
});

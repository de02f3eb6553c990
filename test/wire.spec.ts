import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { answerClientError } from '#app/api/src/client-errors';
import { startApp, type TestApp } from './support/app.js';

const JSON_HEAD = 'content-type: application/problem+json; charset=utf-8';

describe('what is answered below the router', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());

  const open = (): Socket => connect(Number(new URL(app.url).port), '127.0.0.1');

  /** All that the server says until it ends the connection. */
  async function said(socket: Socket): Promise<{ status: number; head: string; problem: Record<string, unknown> }> {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(socket, 'close');
    const [head, body] = text.split('\r\n\r\n') as [string, string];
    expect(head.toLowerCase()).toContain(JSON_HEAD);
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(problem.request_id).toBe(/x-request-id: (req_\w+)/i.exec(head)?.[1]);
    expect(Buffer.byteLength(body)).toBe(Number(/content-length: (\d+)/i.exec(head)?.[1]));
    return { status: Number(head.split(' ')[1]), head, problem };
  }

  const send = (...bytes: string[]) => {
    const socket = open();
    for (const part of bytes) socket.write(part, 'latin1');
    return said(socket);
  };

  test.each([
    ['no HTTP at all', 'HELO example.com\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
    ['a control character in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: \x00\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s is a 400', async (_, bytes) => {
    expect(await send(bytes)).toMatchObject({ status: 400, problem: { status: 400, code: 'validation_failed', title: 'Bad Request' } });
  });

  test('a request without a host is a 400, as a problem too', async () => {
    expect(await send('GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatchObject({ status: 400, problem: { code: 'validation_failed', errors: [{ parameter: 'Host', code: 'required' }] } });
  });

  test('headers too large are a 431', async () => {
    expect(await send(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatchObject({ status: 431, problem: { code: 'headers_too_large', title: 'Request Header Fields Too Large' } });
  });

  /** The server's end of the next connection: what Node's timer finds overdue is told of it, at its own leisure. */
  async function overdue(bytes: string): Promise<{ client: Socket; late: () => void }> {
    const server = app.nest.getHttpServer();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = open();
    client.write(bytes);
    const [socket] = await accepted;
    return { client, late: () => void server.emit('clientError', Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket) };
  }

  test('a request that does not come to its end is a 408', async () => {
    const { client, late } = await overdue('GET / HTTP/1.1\r\nHost: a\r\n');
    late();
    expect(await said(client)).toMatchObject({ status: 408, problem: { code: 'request_timeout', title: 'Request Timeout' } });
  });

  test('an answer under way is cut off, and no other spliced into it', async () => {
    const server = createServer((_, response) => void response.write('half')).on('clientError', answerClientError).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(client, 'data');
    client.write('GARBAGE\r\n\r\n');
    await once(client, 'close');
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    server.close();
  });

  test.each(['utf-16', 'UTF-16LE', 'iso-8859-1', '"windows-1252"'])('JSON in %s is a 415 that says so', async (charset) => {
    const response = await app.fetch('/api/v1/marketing/segments', { method: 'POST', headers: { 'content-type': `application/json; charset=${charset}` }, body: '{}' });
    expect([response.status, await response.json()]).toMatchObject([415, { code: 'unsupported_media_type', detail: expect.stringContaining(charset.replaceAll('"', '')) }]);
  });

  test.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'us-ascii'])('JSON in %s is read', async (charset) => {
    const body = JSON.stringify({ name: 'Friends', type: 'static' });
    expect((await app.fetch('/api/v1/marketing/segments', { method: 'POST', headers: { 'content-type': `application/json;charset=${charset}` }, body })).status).toBe(201);
  });
});

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Env } from '#config';
import { Outbound } from './outbound.js';

const outbound = (allowed: '0' | '1'): Outbound => new Outbound({ ALLOW_PRIVATE_TARGETS: allowed } as Env);

describe('calls to hosts that tenants name', () => {
  let server: Server;
  let port: number;
  let connections: number;
  beforeEach(async () => {
    connections = 0;
    server = createServer((request, response) => {
      if (request.url === '/elsewhere') return response.writeHead(302, { location: '/' }).end();
      if (request.url === '/empty') return response.writeHead(204).end();
      if (request.url === '/endless') return void response.writeHead(200).write(Buffer.alloc(100_000, 'x'));
      if (request.url === '/silent') return undefined;
      return void request.toArray().then((chunks) => response.writeHead(200, { 'x-method': request.method! }).end(Buffer.concat(chunks)));
    });
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const post = (allowed: '0' | '1', url: string, timeout = 5_000) => outbound(allowed).fetch(url, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hello', signal: AbortSignal.timeout(timeout) });

  test.each(['127.0.0.1', 'localhost', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '169.254.169.254'])('http://%s is refused before a byte is sent', async (host) => {
    await expect(post('0', `http://${host}:${port}/`)).rejects.toMatchObject({ code: 'ETARGETREFUSED' });
    expect(connections).toBe(0);
  });

  test.each(['127.0.0.1', 'localhost', '0.0.0.0', '::1', '::ffff:127.0.0.1', '2130706433', '0177.0.0.1'])('a connection to %s is refused', async (host) => {
    await expect(outbound('0').dial(host, port)).rejects.toMatchObject({ code: 'ETARGETREFUSED' });
    expect(connections).toBe(0);
  });

  test.each(['file:///etc/passwd', 'ftp://example.com/', 'data:text/plain,hello'])('%s is no way out', async (url) => {
    await expect(post('1', url)).rejects.toMatchObject({ code: 'ETARGETREFUSED' });
  });

  test('where the operator allows it they go through', async () => {
    const answer = await post('1', `http://localhost:${port}/`);
    expect([answer.status, answer.headers.get('x-method'), await answer.text()]).toEqual([200, 'POST', 'hello']);
    const socket = await outbound('1').dial('localhost', port);
    expect(socket.remotePort).toBe(port);
    socket.destroy();
  });

  test('no redirect is followed', async () => {
    const answer = await post('1', `http://127.0.0.1:${port}/elsewhere`);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/']);
    expect(connections).toBe(1);
  });

  test('of a long answer the beginning is read, of an empty one nothing', async () => {
    expect((await (await post('1', `http://127.0.0.1:${port}/endless`)).text()).length).toBe(64 * 1024);
    expect(await (await post('1', `http://127.0.0.1:${port}/empty`)).text()).toBe('');
  });

  test('who never answers is given up', async () => {
    await expect(post('1', `http://127.0.0.1:${port}/silent`, 100)).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

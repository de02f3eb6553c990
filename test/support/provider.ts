import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';

/** An answer; or to hang up without one, or never to answer. */
export type ProviderAnswer = { status: number; headers?: Record<string, string>; body?: unknown } | 'hang up' | 'never answer';

export interface TestProvider {
  url: string;
  close(): Promise<void>;
}

/** A real HTTP server on a free port of the loopback, in a provider's place. */
export async function startProvider(answer: (request: IncomingMessage, body: string) => ProviderAnswer | Promise<ProviderAnswer>, encoding: BufferEncoding = 'utf8'): Promise<TestProvider> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void (async () => {
      const given = await answer(request, Buffer.concat(await request.toArray()).toString(encoding));
      if (given === 'never answer') return;
      if (given === 'hang up') return request.socket.destroy();
      response.writeHead(given.status, given.headers).end(given.body === undefined ? undefined : JSON.stringify(given.body));
    })();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Bodies are told back up to this size. */
const MIB = 1024 * 1024;

export const LARGE = JSON.stringify({ data: Array(500).fill({ id: 'camp_001' }) });

interface Seen {
  method?: string;
  url?: string;
  headers: IncomingHttpHeaders;
  remotePort?: number;
  bytes: number;
}

export interface EchoApi {
  port: number;
  /** Every request so far, from the moment its headers arrived. */
  seen: Seen[];
  stop(): Promise<void>;
}

/** An API that answers with what it was asked, or as the last segment of the path says. */
export async function startEchoApi(): Promise<EchoApi> {
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

import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import net from 'node:net';

/** A server on the loopback. */
interface Server {
  port: number;
}

interface Answer {
  status?: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** One request with the path exactly as written; fetch() would resolve its dots. */
export async function send(to: Server, { body, ...options }: { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer }): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port: to.port, agent: false, ...options });
  const response = once(request, 'response') as Promise<[IncomingMessage]>;
  request.on('error', () => undefined); // an answer that comes before the body was taken; without one, `response` rejects
  request.end(body);
  return read((await response)[0]);
}

export async function read(response: IncomingMessage): Promise<Answer> {
  const body = Buffer.concat(await response.toArray());
  const isJson = response.headers['content-encoding'] === undefined && /json$/.test(response.headers['content-type'] ?? '');
  return { status: response.statusCode, headers: response.headers, body, json: isJson ? JSON.parse(body.toString()) : undefined };
}

/** What comes back for bytes that no client library would send. */
export async function raw(to: Server, text: string): Promise<string> {
  const socket = net.connect(to.port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function rawStatus(to: Server, text: string): Promise<number> {
  return Number((await raw(to, text)).split(' ')[1]);
}

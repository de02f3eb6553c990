import { createServer } from 'node:net';

/** Whether a server could listen on this port now. It may be taken the next moment: whoever binds it must cope. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await tryPort(port, host)) !== undefined;
}

/** Any free port, chosen by the system. */
export async function anyFreePort(host = '127.0.0.1'): Promise<number> {
  const port = await tryPort(0, host);
  if (port === undefined) throw new Error(`No free port on ${host}`);
  return port;
}

/** The given port or the next free one after it. */
export async function nextFreePort(from: number, host = '127.0.0.1'): Promise<number> {
  for (let port = from; port < from + 100 && port <= 65_535; port++) {
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`No free port on ${host} from ${from} on`);
}

function tryPort(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** Whether a server could listen on this port now. It may be taken the next moment, so binding it can still fail. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await probe(port, host)) !== undefined;
}

/** Any free port, chosen by the system. */
export async function anyFreePort(host = '127.0.0.1'): Promise<number> {
  const port = await probe(0, host);
  if (port === undefined) throw new Error(`No free port on ${host}`);
  return port;
}

/**
 * Lets the server listen on the given port or the next free one, and returns which. It binds instead of asking
 * first, so that two copies starting together cannot get the same port. 0: any port.
 */
export async function listenFrom(server: Server, first: number, host = '127.0.0.1'): Promise<number> {
  for (let port = first; port <= Math.min(first + 100, 65_535); port++) {
    try {
      server.listen({ port, host, exclusive: true });
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`No free port on ${host} from ${first} on`);
}

async function probe(port: number, host: string): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { eventually } from './eventually.js';

const TEMPLATE = readFileSync(new URL('../../../apps/gateway/nginx.conf.template', import.meta.url), 'utf8');

/** Where nginx is, if it is installed. */
export const NGINX = findNginx();

export interface Gateway {
  port: number;
  /** The lines of the access log. */
  log(): string[];
  stop(): Promise<void>;
}

/** Starts nginx with the template as the image renders it, everything it writes in a directory of its own. */
export async function startGateway(upstream: string, change = (conf: string) => conf): Promise<Gateway> {
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

export async function withGateway(upstream: string, use: (gateway: Gateway) => Promise<void>, change?: (conf: string) => string): Promise<void> {
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
export async function closedPort(): Promise<number> {
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

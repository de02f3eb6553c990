import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** The URL of a database on the run's server, as its superuser. */
export function databaseUrl(name: string): string {
  const url = new URL(process.env.TEST_DATABASE_URL!);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs statements on the server itself, as its superuser. */
export async function administer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: process.env.TEST_DATABASE_URL });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const copies = new Map<string, Promise<string>>();

/**
 * This spec file's own copy of the migrated template, made when it is first asked for: a worker that one spec starts must not find the
 * jobs that another left. The run's end drops them all.
 */
export function specDatabase(): Promise<string> {
  const { testPath } = expect.getState();
  if (testPath === undefined) throw new Error('There is no spec that the database would be of');
  let copy = copies.get(testPath);
  if (copy === undefined) copies.set(testPath, (copy = copyTemplate()));
  return copy;
}

async function copyTemplate(): Promise<string> {
  const name = `${process.env.TEST_RUN}_${randomUUID().slice(0, 8)}`;
  await administer(async (client) => {
    // Two workers cannot copy one template at the same moment: they take turns.
    await client.query(`SELECT pg_advisory_lock(1)`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${process.env.TEST_RUN}_template`);
  });
  return databaseUrl(name);
}

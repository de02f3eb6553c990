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

/** This worker's own copy of the migrated template, made by the first spec that asks. */
export async function workerDatabase(): Promise<string> {
  const name = `${process.env.TEST_RUN}_${process.env.JEST_WORKER_ID}`;
  await administer(async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount) return;
    // Two workers cannot copy one template at the same moment: they take turns.
    await client.query(`SELECT pg_advisory_lock(1)`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${process.env.TEST_RUN}_template`);
  });
  return databaseUrl(name);
}

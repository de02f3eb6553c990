import { administer } from './database.js';

export default async function globalTeardown(): Promise<void> {
  await administer(async (client) => {
    const { rows } = await client.query<{ datname: string }>(`SELECT datname FROM pg_database WHERE datname LIKE $1`, [`${process.env.TEST_RUN}\\_%`]);
    for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
  });
  await (globalThis as { stopPostgres?: () => Promise<void> }).stopPostgres?.();
}

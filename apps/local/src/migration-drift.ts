import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { ApiModule } from '#app/api/src/api.module';
import { loadEnv } from '#config';
import { migrate } from '#database';
import { installQueue } from '#jobs';
import { startThrowawayPostgres } from './throwaway-postgres.js';

/** `npm run check:migrations`: fails when the entities and the migrations disagree. */
const postgres = await startThrowawayPostgres('marketing-drift');

/** Foreign keys are in the migrations only: an entity refers to another domain by id and does not know its table. */
const isForeignKey = (query: string): boolean => /DROP CONSTRAINT "\w+_fkey"$/.test(query);

try {
  await migrate(postgres.url);
  await installQueue(postgres.url);
  const env = loadEnv({ DATABASE_URL: postgres.url, JWT_SECRET: 'x'.repeat(32), SECRETS_KEY: '00'.repeat(32) });
  const app = await NestFactory.createApplicationContext(ApiModule.forRoot(env), { logger: false, abortOnError: false });
  const { upQueries } = await app.get(DataSource).driver.createSchemaBuilder().log();
  await app.close();
  const drift = upQueries.map(({ query }) => query).filter((query) => !isForeignKey(query));
  if (drift.length > 0) {
    process.stderr.write(`The entities differ from the migrations; to agree, the schema would need:\n${drift.map((query) => `  ${query}`).join('\n')}\n`);
    process.exitCode = 1;
  }
} finally {
  await postgres.stop();
}

import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import createClient, { type Client } from 'openapi-fetch';
import pg from 'pg';
import { ApiModule } from '#app/api/src/api.module';
import { createApp } from '#app/api/src/configure-app';
import { PinoLogger } from '#app/api/src/logger';
import { createDocument, serveDocs } from '#app/api/src/openapi';
import type { Role } from '#auth';
import { type Env, loadEnv } from '#config';
import { JobRunnerModule, Jobs } from '#jobs';
import { Clock } from '#kernel';
import type { paths } from './api.js';
import { specDatabase } from './database.js';
import { newTenant, TEST_SECRET, token } from './tokens.js';

export type Api = Client<paths>;

/** A clock that runs like the real one, from wherever the test puts it. */
export class TestClock extends Clock {
  private offset = 0;
  now(): Date {
    return new Date(Date.now() + this.offset);
  }
  advance(milliseconds: number): void {
    this.offset += milliseconds;
  }
}

export interface TestApp {
  url: string;
  nest: NestFastifyApplication;
  clock: TestClock;
  /** The tenant that {@link api} speaks for by default; new for every app. */
  tenant: string;
  /** A typed client, made from the published document. */
  api(roles?: Role[], tenant?: string): Api;
  /** Bare HTTP, for requests that the document forbids. */
  fetch(path: string, init?: RequestInit & { token?: string }): Promise<Response>;
  /** SQL as the superuser, past row-level security. */
  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  env?: Partial<Record<keyof Env, string>>;
  /** Runs jobs and sweeps in this process too, as `npm start` does. */
  worker?: boolean;
}

/** What an application on this database is configured with, where a test says nothing else. */
export const testEnv = (databaseUrl: string, more: TestAppOptions['env'] = {}): Env =>
  loadEnv({
    PORT: '0',
    DATABASE_URL: databaseUrl,
    JWT_SECRET: TEST_SECRET,
    SECRETS_KEY: 'ab'.repeat(32),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
    RATE_LIMIT_RPS: '0',
    ...more,
  });

/** The same for every app of this process; to make it is more than half of what a start costs. */
let document: ReturnType<typeof createDocument> | undefined;

/** The whole application on a free port, on this spec's own database. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const databaseUrl = await specDatabase();
  const env = testEnv(databaseUrl, options.env);
  const clock = new TestClock();
  const api = ApiModule.forRoot(env, clock);
  const module: DynamicModule = options.worker ? { module: LocalTestModule, imports: [api, JobRunnerModule] } : api;
  const nest = await createApp(module, new PinoLogger(env.LOG_LEVEL));
  serveDocs(nest, (document ??= createDocument(nest)));
  hurry(nest.get(Jobs, { strict: false }));
  await nest.listen(0, '127.0.0.1');
  const url = (await nest.getUrl()).replace('[::1]', '127.0.0.1');
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const tenant = newTenant();
  /** Good for an hour by the application's own clock, wherever the test has put it. */
  const fresh = (name: string, roles?: Role[]) => token(name, roles, { exp: Math.floor(clock.now().getTime() / 1000) + 3600 });
  return {
    url,
    nest,
    clock,
    tenant,
    api: (roles = ['tenant_admin'], name = tenant) => createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${fresh(name, roles)}` } }),
    fetch: (path, { token: bearer = fresh(tenant), ...init } = {}) =>
      fetch(url + path, { ...init, headers: { ...(bearer && { authorization: `Bearer ${bearer}` }), ...(init.headers as Record<string, string>) } }),
    sql: async (text, values) => (await pool.query(text, values)).rows as never,
    close: async () => {
      await nest.close();
      await pool.end();
    },
  };
}

class LocalTestModule {}

/** Sweeps that come round in a second or sooner come round five times sooner: tests wait for them. */
function hurry(jobs: Jobs): void {
  const every = jobs.every.bind(jobs);
  jobs.every = (seconds, name, sweep) => every(seconds <= 1 ? seconds / 5 : seconds, name, sweep);
}

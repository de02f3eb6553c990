import type { ClientConfig } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import type { Env } from '#config';

/** The role the application works as: neither an owner nor a superuser, so that row-level security applies to it. */
export const APP_ROLE = 'marketing_app';

/**
 * The session settings of every connection of the application. The role is set in the startup packet, before the first
 * statement, and no statement of ours resets it.
 */
const SESSION = `-c role=${APP_ROLE} -c timezone=UTC -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000 -c lock_timeout=20000`;

/** For a separate client (COPY, LISTEN), where a pipelined pool connection will not do. */
export const clientConfig = (env: Env): ClientConfig => ({
  connectionString: env.DATABASE_URL,
  options: SESSION,
  application_name: 'marketing',
});

/** Statements are planned once a connection. pg would close one after ten idle seconds, and the next burst would connect and plan anew. */
const IDLE_MS = 60_000;

/** The pool. `pipeline` sends the statements of a transaction together: see {@link Database.read}. */
export const dataSourceOptions = (env: Env): Extract<DataSourceOptions, { type: 'postgres' }> => ({
  type: 'postgres',
  url: env.DATABASE_URL,
  poolSize: env.DATABASE_POOL,
  applicationName: 'marketing',
  extra: { options: SESSION, pipeline: true, connectionTimeoutMillis: 10_000, idleTimeoutMillis: IDLE_MS },
  uuidExtension: 'pgcrypto',
  installExtensions: false,
  synchronize: false,
  logging: false,
});

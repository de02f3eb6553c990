import type pg from 'pg';
import type { Child } from './child.js';

/** What a scenario is given: one database, and in front of it the api as it ships and a bare server. */
export interface Bench {
  /** As the owner of the schema, past row-level security. */
  sql: pg.Pool;
  databaseUrl: string;
  api: Child;
  /** What the api and the workers were started with. */
  env: Record<string, string>;
  /** `bare-server.ts`. */
  bare: Child;
  /** A token of {@link tenantId}'s tenant. */
  token: string;
  tenant: string;
  tenantId: number;
  /** SECRETS_KEY of the api and its workers. */
  secretsKey: string;
  /** Another tenant of the same api, provisioned. */
  provision(tenant: string): Promise<{ token: string; tenantId: number }>;
  /** A worker as it ships, beside the api, until the scenario stops it. */
  startWorker(): Promise<Child>;
  /** Where the api and its workers expect the deployment's mail server. Nobody listens until a scenario does. */
  smtpPort: number;
  /** Another process of the bench's own, until the scenario stops it. */
  startChild(file: string, ready: string, env: Record<string, string>): Promise<Child>;
}

/** One request, the same for both sides but for where and as whom it is sent. */
export interface Load {
  url: string;
  method?: 'GET' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: string;
}

/** Something that was measured, against what it must keep to. */
export interface Figure {
  title: string;
  measured: string;
  /** Null: reported only. */
  bar: string | null;
  passed: boolean;
  /** Of several rounds, the least and the most. */
  rounds?: string;
}

/** Tells each figure as soon as it has it: some take minutes. */
export type Scenario = (bench: Bench) => AsyncIterable<Figure>;

import type pg from 'pg';
import type { Child } from './child.js';

/** What a scenario is given: one database, and in front of it the api as it ships and a bare server. */
export interface Bench {
  /** As the owner of the schema, past row-level security. */
  sql: pg.Pool;
  api: Child;
  /** `bare-server.ts`. */
  bare: Child;
  /** A token of {@link tenantId}'s tenant. */
  token: string;
  tenantId: number;
}

/** One request, the same for both sides but for where and as whom it is sent. */
export interface Load {
  url: string;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
}

/** Two servers that do the same thing, ours and a bare one, and how far ours may fall behind. */
export interface Duel {
  title: string;
  /** Least ratio of requests per second, ours ÷ bare. */
  bar: number;
  ours: Load;
  bare: Load;
}

export type Scenario = (bench: Bench) => Duel | Promise<Duel>;

import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';

/** A kind of background work: its queue's name and how it is retried. Define it once, beside its handler. */
export interface JobType<Data extends object> {
  readonly name: string;
  readonly options: JobTypeOptions;
  /** Carries the payload's type; never set. */
  readonly data?: Data;
}

export interface JobTypeOptions {
  /** Retries, with exponential backoff up to five minutes. */
  retries?: number;
  /** Seconds until a running job counts as lost and goes to another worker; if its worker gives no sign of life, 30 s. */
  expireSeconds?: number;
  /** How many jobs of this kind one worker process runs at once. */
  concurrency?: number;
  /** At most one queued job per tenant and `key`. */
  collapse?: boolean;
}

export const jobType = <Data extends object>(name: string, options: JobTypeOptions = {}): JobType<Data> => ({ name, options });

/** Something that happened in a domain, published to its subscribers in the transaction that made it true. */
export interface EventType<Data extends object> {
  readonly name: string;
  readonly data?: Data;
}

export const eventType = <Data extends object>(name: string): EventType<Data> => ({ name });

/** What the queue holds: the tenant, the payload, and when it was sent (RFC 3339). */
export interface Envelope<Data extends object = object> {
  tenant: Tenant;
  data: Data;
  at: string;
}

/** The origin of a job, the same for every retry. */
export interface JobOrigin {
  /** A UUID. */
  id: string;
  /** When the job was sent; for an event, when it happened. */
  at: Date;
}

export interface SubscribeOptions {
  /** Called in the publisher's transaction: whether the tenant's events are of use to the subscriber. If not, no job is made. Must be as cheap as the events are frequent. */
  wanted?: (tx: EntityManager, tenant: Tenant) => Promise<boolean>;
}

export interface EnqueueOptions {
  /** Not before this instant. */
  startAfter?: Date;
  /** What the job is about, for {@link JobTypeOptions.collapse}. */
  key?: string;
}

/** Runs at least once per job: a worker may die after the work and before reporting it. */
export type JobHandler<Data extends object> = (tenant: Tenant, data: Data, signal: AbortSignal, origin: JobOrigin) => Promise<void>;

/** One round of a sweep; true asks for another round at once. */
export type Sweep = (signal: AbortSignal) => Promise<boolean | void>;

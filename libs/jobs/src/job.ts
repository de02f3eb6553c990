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
  /** Tries after the first, with exponential backoff up to five minutes. */
  retries?: number;
  /** Seconds until a running job counts as lost and is given to another worker; without a sign of life from its own, 30 s. */
  expireSeconds?: number;
  /** Jobs of this kind that one worker process runs at once. */
  concurrency?: number;
  /** At most one queued job per tenant and `key`. */
  collapse?: boolean;
}

export const jobType = <Data extends object>(name: string, options: JobTypeOptions = {}): JobType<Data> => ({ name, options });

/** Something that happened in a domain, told to whoever subscribed, in the transaction that made it true. */
export interface EventType<Data extends object> {
  readonly name: string;
  readonly data?: Data;
}

export const eventType = <Data extends object>(name: string): EventType<Data> => ({ name });

/** What travels in the queue: the tenant, always, the payload, and when it was sent (RFC 3339). */
export interface Envelope<Data extends object = object> {
  tenant: Tenant;
  data: Data;
  at: string;
}

/** Where a job comes from. A try after a crash has the same. */
export interface JobOrigin {
  /** A UUID. */
  id: string;
  /** When it was sent: of an event, when it happened. */
  at: Date;
}

export interface SubscribeOptions {
  /** Asked in the publisher's transaction whether the tenant's events are of any use; where they are not, no job is made. As cheap as the events are many. */
  wanted?: (tx: EntityManager, tenant: Tenant) => Promise<boolean>;
}

export interface EnqueueOptions {
  /** Not before this instant. */
  startAfter?: Date;
  /** With {@link JobTypeOptions.collapse}: what the job is about. */
  key?: string;
}

/** Runs at least once per job: a worker may die after the work and before saying so. */
export type JobHandler<Data extends object> = (tenant: Tenant, data: Data, signal: AbortSignal, origin: JobOrigin) => Promise<void>;

/** One round of a sweep; true asks for another round at once. */
export type Sweep = (signal: AbortSignal) => Promise<boolean | void>;

import { Injectable, Logger, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { type Db, PgBoss, type Queue } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { Env } from '#config';
import { clientConfig, prepared } from '#database';
import { Clock, type Tenant } from '#kernel';
import type { EnqueueOptions, Envelope, EventType, JobHandler, JobType, SubscribeOptions, Sweep } from './job.js';

export interface RegisteredHandler {
  type: JobType<object>;
  handler: JobHandler<object>;
}

interface Subscriber extends SubscribeOptions {
  type: JobType<object>;
}

export interface RegisteredSweep {
  name: string;
  everySeconds: number;
  sweep: Sweep;
}

/**
 * The interface to the queue (pg-boss, in PostgreSQL). Jobs and events are written in the caller's transaction: they exist
 * exactly if the change they are about does. This service only registers and sends; {@link JobRunner} runs.
 */
@Injectable()
export class Jobs implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly handlers = new Map<string, RegisteredHandler>();
  readonly sweeps: RegisteredSweep[] = [];
  readonly boss: PgBoss;
  private readonly subscribers = new Map<string, Subscriber[]>();
  private readonly logger = new Logger(Jobs.name);

  constructor(
    env: Env,
    private readonly clock: Clock,
  ) {
    const { connectionString, options } = clientConfig(env);
    this.boss = new PgBoss({
      connectionString,
      options,
      application_name: 'marketing-jobs',
      max: 4,
      migrate: false,
      createSchema: false,
      useListenNotify: true,
      schedule: false,
      registerInstance: false,
      // Together with the heartbeats: within a minute, another worker gets the job of one that was killed.
      superviseIntervalSeconds: 20,
      monitorIntervalSeconds: 20,
    });
    this.boss.on('error', (error) => this.logger.error(error));
  }

  /** Registers the handler for jobs of this type. Every process registers (the queues must exist to send); only workers run them. */
  handle<Data extends object>(type: JobType<Data>, handler: JobHandler<Data>): void {
    if (this.handlers.has(type.name)) throw new Error(`Two handlers for the job "${type.name}"`);
    this.handlers.set(type.name, { type, handler: handler as JobHandler<object> });
  }

  /**
   * Calls `handler` for every such event, in a job of its own: subscribers fail and retry independently.
   *
   * @param subscriber names the queue, so it must stay the same when the code moves
   */
  subscribe<Data extends object>(event: EventType<Data>, subscriber: string, handler: JobHandler<Data>, { wanted }: SubscribeOptions = {}): void {
    const type: JobType<Data> = { name: `${event.name}-to-${subscriber}`, options: { retries: 20, concurrency: 2 } };
    this.handle(type, handler);
    this.subscribers.set(event.name, [...this.subscribersOf(event), { type, wanted }]);
  }

  /** Calls `sweep` in every worker process, again and again with a pause. The work is in tables, so a lost timer loses none of it. */
  every(everySeconds: number, name: string, sweep: Sweep): void {
    this.sweeps.push({ name, everySeconds, sweep });
  }

  async enqueue<Data extends object>(tx: EntityManager, tenant: Tenant, type: JobType<Data>, data: Data, options: EnqueueOptions = {}): Promise<void> {
    const collapsesTo = type.options.collapse ? `${tenant.id}/${options.key ?? ''}` : undefined;
    if (collapsesTo !== undefined && (await isQueued(tx, type.name, collapsesTo))) return;
    const envelope: Envelope<Data> = { tenant: { id: tenant.id, name: tenant.name }, data, at: this.clock.now().toISOString() };
    await this.boss.send(type.name, envelope, {
      db: within(tx),
      startAfter: options.startAfter,
      singletonKey: collapsesTo,
    });
  }

  async publish<Data extends object>(tx: EntityManager, tenant: Tenant, event: EventType<Data>, data: Data): Promise<void> {
    for (const { type, wanted } of this.subscribersOf(event)) {
      if (wanted === undefined || (await wanted(tx, tenant))) await this.enqueue(tx, tenant, type, data);
    }
  }

  /** Whether any subscriber wants the event, for publishers to whom finding out what to publish costs something. */
  async isWanted(tx: EntityManager, tenant: Tenant, event: EventType<object>): Promise<boolean> {
    for (const { wanted } of this.subscribersOf(event)) if (wanted === undefined || (await wanted(tx, tenant))) return true;
    return false;
  }

  private subscribersOf(event: EventType<object>): readonly Subscriber[] {
    return this.subscribers.get(event.name) ?? [];
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.boss.start();
    const existing = new Set((await this.boss.getQueues()).map((queue) => queue.name));
    for (const { type } of this.handlers.values()) {
      if (!existing.has(type.name)) await this.boss.createQueue(type.name, queueOf(type));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: 25_000 });
  }
}

const queueOf = (type: JobType<object>): Omit<Queue, 'name'> => ({
  policy: type.options.collapse ? 'short' : 'standard',
  notify: true,
  retryLimit: type.options.retries ?? 10,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 300,
  expireInSeconds: type.options.expireSeconds ?? 900,
  heartbeatSeconds: 30,
  deleteAfterSeconds: 24 * 3600,
});

/** The condition of the unique index that refuses a second one. */
const QUEUED = `SELECT FROM pgboss.job WHERE name = $1 AND coalesce(singleton_key, '') = $2 AND state = 'created' AND policy = 'short' LIMIT 1`;

/** Whether the job is queued already: checking costs the server 25 µs, sending 1,200, most of it spent on planning over all queues. */
const isQueued = async (tx: EntityManager, name: string, key: string): Promise<boolean> => (await prepared(tx, { text: QUEUED, values: [name, key], name: 'job_queued' })).length > 0;

/** Runs pg-boss's statements in our transaction. */
const within = (tx: EntityManager): Db => ({
  async executeSql(text, values) {
    const result = await tx.queryRunner!.query(text, values as unknown[], true);
    return { rows: result.records };
  },
});

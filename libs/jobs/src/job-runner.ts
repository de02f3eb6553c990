import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, OnApplicationBootstrap, BeforeApplicationShutdown } from '@nestjs/common';
import type { Job } from 'pg-boss';
import { Histogram } from 'prom-client';
import type { Envelope } from './job.js';
import { Jobs, type RegisteredHandler, type RegisteredSweep } from './jobs.js';

const duration = new Histogram({
  name: 'job_duration_seconds',
  help: 'Time of one job or one round of a sweep, by its outcome.',
  labelNames: ['job', 'outcome'],
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600],
});

/** Runs what is registered with {@link Jobs}; part of the worker process only. */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobRunner.name);
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];

  constructor(private readonly jobs: Jobs) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const registered of this.jobs.handlers.values()) await this.work(registered);
    for (const sweep of this.jobs.sweeps) this.loops.push(this.loop(sweep));
  }

  /** Lets running jobs and rounds finish; the queue itself is closed by {@link Jobs}. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.jobs.handlers.keys()].map((name) => this.jobs.boss.offWork(name, { wait: true })));
    await Promise.all(this.loops);
  }

  private async work({ type, handler }: RegisteredHandler): Promise<void> {
    const options = { pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 5, batchSize: 1 };
    // Separate workers, since only a worker's own name can tell it to look again at once: by itself it would do one job of a backlog every five seconds.
    for (let one = 0; one < (type.options.concurrency ?? 1); one++) {
      const worker: Promise<string> = this.jobs.boss.work<Envelope>(type.name, options, async (batch) => {
        try {
          for (const job of batch) await this.run(type.name, handler, job);
        } finally {
          this.jobs.boss.notifyWorker(await worker);
        }
      });
      await worker;
    }
  }

  private async run(name: string, handler: RegisteredHandler['handler'], job: Job<Envelope>): Promise<void> {
    const end = duration.startTimer({ job: name });
    try {
      await handler(job.data.tenant, job.data.data, AbortSignal.any([job.signal, this.stopping.signal]), { id: job.id, at: new Date(job.data.at) });
    } catch (error) {
      end({ outcome: 'failed' });
      this.logger.error({ msg: 'job failed', job: name, job_id: job.id, try: job.retryCount, tenant: job.data.tenant.name, err: error });
      // The queue stores what is thrown, so leave out the cause: the parameters of its statement may identify a person.
      // eslint-disable-next-line preserve-caught-error
      throw new Error(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
    end({ outcome: 'done' });
  }

  private async loop({ name, everySeconds, sweep }: RegisteredSweep): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let more: boolean | void = false;
      const end = duration.startTimer({ job: name });
      try {
        more = await sweep(signal);
        end({ outcome: 'done' });
      } catch (error) {
        end({ outcome: 'failed' });
        if (!signal.aborted) this.logger.error({ msg: 'sweep failed', sweep: name, err: error });
      }
      if (!more) await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined); // aborted: the loop ends above
    }
  }
}

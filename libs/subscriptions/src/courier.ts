import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Jobs, WorkerSession } from '#jobs';
import { type Batch, Dispatch, type Lane, type Sent } from './dispatch.js';
import { Poster } from './poster.js';

/** How many lanes a worker may run at once. Failing receivers have lanes of their own, so that many of them do not hold up the others. */
const LANES = { sound: 64, failing: 32 };

/** How long a lane runs before it is released for others, in milliseconds. */
const TURN_MS = 30_000;

/**
 * Sends messages to subscribers, in every worker process, in lanes: one per subscription, in one worker at a time, so a slow receiver delays
 * only its own messages. If a worker dies, another takes over its lanes within seconds, and messages that were being sent are sent again
 * with the same id.
 */
@Injectable()
export class Courier implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(Courier.name);
  private readonly lanes = new Map<string, { failing: boolean; done: Promise<void> }>();
  private claiming: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly jobs: Jobs,
    private readonly dispatch: Dispatch,
    private readonly poster: Poster,
    private readonly session: WorkerSession,
  ) {}

  onModuleInit(): void {
    this.jobs.every(1, 'events-to-subscribers', () => (this.claiming = this.round()));
  }

  /** Waits for attempts in progress and starts no others. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.claiming.catch(() => undefined); // the sweep's loop reports it
    await Promise.all([...this.lanes.values()].map(({ done }) => done));
  }

  private async round(): Promise<void> {
    await this.session.look();
    for (const failing of [false, true]) {
      const room = LANES[failing ? 'failing' : 'sound'] - [...this.lanes.values()].filter((lane) => lane.failing === failing).length;
      if (this.stopping || room <= 0) continue;
      for (const lane of await this.dispatch.claim(failing, room, [...this.lanes.keys()])) this.open(lane);
    }
  }

  private open(lane: Lane): void {
    const work = async (): Promise<void> => {
      try {
        if (await this.serve(lane)) await this.dispatch.release(lane);
      } catch (error) {
        this.logger.error({ msg: 'telling a subscriber failed', tenant: lane.tenant.name, subscription: lane.subscriptionId, err: error }); // the lease expires by itself
      } finally {
        this.lanes.delete(lane.subscriptionId);
      }
    };
    this.lanes.set(lane.subscriptionId, { failing: lane.failing, done: work() });
  }

  /** @returns whether the lane is still ours */
  private async serve(lane: Lane): Promise<boolean> {
    for (const until = performance.now() + TURN_MS; !this.stopping && performance.now() < until; ) {
      const batch = await this.dispatch.next(lane);
      if (batch === null) return true;
      if (!(await this.dispatch.settle(lane, batch, await this.send(batch)))) return false;
    }
    return true;
  }

  private send({ url, secrets, messages }: Batch): Promise<Sent[]> {
    return Promise.all(messages.flatMap((message) => (message.body === null ? [] : [this.poster.post(url, secrets, message.id, message.body).then((posted) => ({ message, posted }))])));
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs, WorkerSession } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import type { Channel } from '#tenants';
import { Batches } from './batches.js';
import { BY_KEYS, MAILINGS_AT_WORK, TENANTS_AT_WORK } from './ledger.queries.js';
import type { MailingAtWork } from './preparation.js';
import { Upkeep } from './upkeep.js';

/** Most lanes of a worker that run at once. They mostly wait for a provider and hold no connection, so there can be many: enough that a crowd of dead providers leaves room for others. */
const LANES = 500;

/**
 * Works through the ledger, in every worker process, in lanes: one for each channel of each tenant, and one for each tenant's upkeep. A lane
 * waits only for its own provider, so no dead provider slows anybody else, and no tenant waits for another's million recipients. A round only
 * looks for work without a lane. Whatever a lane leaves behind when it dies is in the ledger, and a later one continues.
 */
@Injectable()
export class Sender implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sender.name);
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  /** The tenant at which the last round ran out of lanes: the next round begins there. */
  private passedOver = 0;

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly batches: Batches,
    private readonly upkeep: Upkeep,
    private readonly session: WorkerSession,
  ) {}

  onModuleInit(): void {
    this.jobs.every(0.5, 'delivery-sender', () => this.round());
  }

  /** Waits for the answers to running calls, and starts no new ones. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.lanes.values());
  }

  private async round(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    await this.session.look();
    const tenants = await this.database.rows<Tenant>(null, { name: 'tenants_at_work', text: TENANTS_AT_WORK });
    const first = Math.max(0, tenants.findIndex(({ id }) => id >= this.passedOver));
    this.passedOver = 0;
    for (const tenant of [...tenants.slice(first), ...tenants.slice(0, first)]) {
      if (this.stopping.signal.aborted) return;
      if (this.lanes.size >= LANES) {
        this.passedOver = tenant.id;
        return;
      }
      await this.look(tenant);
    }
  }

  private async look(tenant: Tenant): Promise<void> {
    const mailings = await this.atWork(tenant);
    if (mailings.some((mailing) => this.upkeep.isNeeded(mailing))) this.open(`${tenant.id}`, tenant, () => this.keepUp(tenant));
    const channels = new Set(mailings.flatMap(({ state, due }) => (state === 'running' ? due : [])));
    for (const channel of channels) this.open(`${tenant.id}/${channel}`, tenant, () => this.send(tenant, channel));
  }

  /** Runs `step` as long as it says that there is more to do, unless that lane is open already. */
  private open(name: string, tenant: Tenant, step: () => Promise<boolean>): void {
    if (this.lanes.has(name)) return;
    const lane = async (): Promise<void> => {
      try {
        while (!this.stopping.signal.aborted && (await step()));
      } catch (error) {
        this.logger.error({ msg: 'sending failed', tenant: tenant.name, err: error }); // the other lanes go on
      } finally {
        this.lanes.delete(name);
      }
    };
    this.lanes.set(name, lane());
  }

  private async keepUp(tenant: Tenant): Promise<boolean> {
    let more = false;
    for (const mailing of await this.atWork(tenant)) more = (await this.upkeep.of(tenant, mailing)) || more;
    return more;
  }

  /** Sends a part of the tenant's most urgent mailing on the channel. */
  private async send(tenant: Tenant, channel: Channel): Promise<boolean> {
    const mailing = (await this.atWork(tenant)).find(({ state, due }) => state === 'running' && due.includes(channel));
    if (mailing === undefined) return false;
    const { more, waitMs } = await this.batches.send(tenant, mailing, channel, this.stopping.signal);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.stopping.signal }).catch(() => undefined); // aborted: the lane ends
    return more;
  }

  private async atWork(tenant: Tenant): Promise<MailingAtWork[]> {
    const statement = { text: MAILINGS_AT_WORK, values: [tenant.id, this.clock.now(), this.session.lost], name: 'mailings_at_work' };
    const [, mailings] = await this.database.read<[[], MailingAtWork[]]>(tenant, { text: BY_KEYS }, statement);
    return mailings;
  }
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock } from '#kernel';
import { Tenants } from '#tenants';
import { firstIdOf } from './event-ids.js';
import { FORGET_BODIES, FORGET_EVENTS } from './inbox.queries.js';
import { PROVIDER_IDS } from './providers.js';

/** How long bodies and events are kept, and so how long duplicates are recognised: well over the seven days promised. */
const KEEP_DAYS = 30;

/** Deletes old bodies and events. */
@Injectable()
export class InboxRetention implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly tenants: Tenants,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.every(3600, 'webhook events to forget', (signal) => this.sweep(signal));
  }

  async sweep(signal: AbortSignal): Promise<void> {
    const oldest = this.clock.now().getTime() - KEEP_DAYS * 24 * 3600 * 1000;
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return;
      await this.database.inTenant(tenant, async (tx) => {
        await tx.query(FORGET_EVENTS, [tenant.id, PROVIDER_IDS, firstIdOf('whe', oldest)]);
        await tx.query(FORGET_BODIES, [tenant.id, firstIdOf('whb', oldest)]);
      });
    }
  }
}

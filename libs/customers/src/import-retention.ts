import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Clock } from '#kernel';
import { Tenants } from '#tenants';
import { FORGET_ERASED_NAMES } from './erased-names.js';
import { FORGET_FORMER_NAMES } from './former-names.js';
import { FORGET_ORPHANS, FORGET_REJECTED } from './import.queries.js';
import { FORGET_LIFTS } from './suppressions.js';

const DAY = 86_400_000;

/** How long rejected rows can be fetched: they are personal data that nothing else here needs. */
const KEEP_REJECTED_DAYS = 30;

/** Lets go of what files leave behind: rejected rows, and uploads whose caller was gone before they became imports; and of former names, and of opt-outs taken back. */
@Injectable()
export class ImportRetention implements OnModuleInit {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly tenants: Tenants,
  ) {}

  onModuleInit(): void {
    this.jobs.every(3600, 'imports to forget', (signal) => this.sweep(signal));
  }

  async sweep(signal: AbortSignal): Promise<void> {
    const before = (days: number): Date => new Date(this.clock.now().getTime() - days * DAY);
    for await (const tenant of this.tenants.all()) {
      if (signal.aborted) return;
      await this.database.inTenant(tenant, async (tx) => {
        await tx.query(FORGET_REJECTED, [tenant.id, before(KEEP_REJECTED_DAYS)]);
        await tx.query(FORGET_ORPHANS, [tenant.id, before(1)]);
        await tx.query(FORGET_ERASED_NAMES, [tenant.id]);
        await tx.query(FORGET_FORMER_NAMES, [tenant.id, this.clock.now()]);
        await tx.query(FORGET_LIFTS, [tenant.id, this.clock.now()]);
      });
    }
  }
}

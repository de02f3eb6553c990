import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { Clock, type Tenant } from '#kernel';

const LOOK_AGAIN = jobType<object>('delivery-look-again');

/** Rows of one transaction. */
const BULK = 2_000;

/** Makes up to `$3` messages that wait for a more urgent campaign due at the instant `$2`. */
const WAKE = `
  WITH waiting AS MATERIALIZED (
    SELECT w.campaign_no, w.customer_no, w.channel
      FROM campaign_directory c JOIN deliveries w ON w.tenant_id = $1 AND w.campaign_no = c.campaign_no
     WHERE c.tenant_id = $1 AND c.sending AND w.status = 'pending' AND w.reason = 'others_first' AND w.next_attempt_at > $2
     LIMIT $3 FOR UPDATE OF w SKIP LOCKED)
  UPDATE deliveries d SET next_attempt_at = $2 FROM waiting
   WHERE d.tenant_id = $1 AND d.campaign_no = ANY (ARRAY (SELECT campaign_no FROM waiting)) AND d.customer_no = ANY (ARRAY (SELECT customer_no FROM waiting))
     AND d.campaign_no = waiting.campaign_no AND d.customer_no = waiting.customer_no AND d.channel = waiting.channel
  RETURNING 1`;

/** Under a frequency cap, a message waits while a more urgent campaign has one for the same customer. When that campaign stops, nothing is left to wait for. */
@Injectable()
export class GiveWay implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.handle(LOOK_AGAIN, (tenant, _, signal) => this.lookAgain(tenant, signal));
  }

  /** To be called in the transaction that stops a campaign. */
  ended(tx: EntityManager, tenant: Tenant): Promise<void> {
    return this.jobs.enqueue(tx, tenant, LOOK_AGAIN, {});
  }

  private async lookAgain(tenant: Tenant, signal: AbortSignal): Promise<void> {
    for (let woken = BULK; woken === BULK && !signal.aborted; ) {
      [, woken] = await this.database.inTenant(tenant, (tx) => tx.query<[unknown[], number]>(WAKE, [tenant.id, this.clock.now(), BULK]));
    }
  }
}

import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { Jobs, WorkerSession } from '#jobs';
import { Clock, type Tenant } from '#kernel';
import { AbTests, isDecided } from './ab-tests.js';
import { counted } from './counters.js';
import { CANCELABLE, type ClaimedRow, FINISH, LOST, named, RECOVER, SKIP_CANCELED, touched } from './ledger.queries.js';
import { MAILING_FINISHED } from './mailing.js';
import type { MailingAtWork } from './preparation.js';

/** Rows of one transaction. */
const BULK = 2_000;

/** What mailings need besides sending: recover what lost workers left behind, skip what was canceled, end what is done, and decide tests. */
@Injectable()
export class Upkeep {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly session: WorkerSession,
    private readonly abTests: AbTests,
  ) {}

  isNeeded(mailing: MailingAtWork): boolean {
    return mailing.lost || this.abTests.isDue(mailing) || (mailing.state === 'canceled' && mailing.due.length > 0) || (mailing.settled && this.isOver(mailing));
  }

  /** @returns whether there is more to do at once */
  async of(tenant: Tenant, mailing: MailingAtWork): Promise<boolean> {
    if (mailing.lost) await this.recover(tenant, mailing);
    if (this.abTests.isDue(mailing)) await this.abTests.look(tenant, mailing);
    if (mailing.settled && this.isOver(mailing)) await this.finish(tenant, mailing);
    if (mailing.state !== 'canceled' || mailing.due.length === 0) return false;
    await this.skipCanceled(tenant, mailing);
    return true;
  }

  private isOver(mailing: MailingAtWork): boolean {
    const { state, snapshot_done, ends_at, options } = mailing;
    if (state !== 'running') return state === 'canceled';
    return snapshot_done && isDecided(mailing) && (ends_at === null ? options.delivery_mode !== 'continuous' : ends_at <= this.clock.now());
  }

  private recover(tenant: Tenant, mailing: MailingAtWork): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const rows = await tx.query<ClaimedRow[]>(LOST, [tenant.id, mailing.campaign_no, this.clock.now(), BULK, this.session.lost]);
      await counted(tx, tenant, touched(mailing.campaign_no, rows), () => tx.query(RECOVER, [tenant.id, mailing.campaign_no, ...named(rows)]));
    });
  }

  private skipCanceled(tenant: Tenant, mailing: MailingAtWork): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const rows = await tx.query<ClaimedRow[]>(CANCELABLE, [tenant.id, mailing.campaign_no, BULK]);
      await counted(tx, tenant, touched(mailing.campaign_no, rows), () => tx.query(SKIP_CANCELED, [tenant.id, mailing.campaign_no, ...named(rows)]));
    });
  }

  private async finish(tenant: Tenant, mailing: MailingAtWork): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      // Whoever is adding a row holds the mailing; a statement of its own, so that the next one sees that row.
      await tx.query('SELECT 1 FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 FOR UPDATE', [tenant.id, mailing.campaign_no]);
      const [[finished]] = await tx.query<[{ state: string }[]]>(FINISH, [tenant.id, mailing.campaign_no, this.clock.now()]);
      if (finished === undefined) return;
      await tx.query('UPDATE campaign_directory SET sending = false WHERE tenant_id = $1 AND campaign_no = $2', [tenant.id, mailing.campaign_no]);
      if (finished.state === 'finished') await this.jobs.publish(tx, tenant, MAILING_FINISHED, { campaign_no: mailing.campaign_no, campaign_id: mailing.campaign_id });
    });
  }
}

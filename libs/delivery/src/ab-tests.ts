import { Injectable, Logger } from '@nestjs/common';
import { Database } from '#database';
import { Clock, type Tenant } from '#kernel';
import { DECIDE, SAMPLE_IS_SENT, standingsSql } from './ab-test.queries.js';
import type { AbTest } from './options.js';
import type { MailingAtWork } from './preparation.js';
import { type Standing, standingsOf, type TestState, winnerOf } from './winner.js';

/** A test whose winner is not known yet. */
type OpenTest = MailingAtWork & { options: { ab_test: AbTest }; ab_test: TestState };

/**
 * Decides A/B tests. The waiting time begins when the sample has been sent, continues while the campaign is paused, and ends with the campaign
 * at the latest. Naming the winner and releasing the rest change the same row: after a crash, both have happened or neither.
 */
@Injectable()
export class AbTests {
  private readonly logger = new Logger(AbTests.name);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  isDue(mailing: MailingAtWork): mailing is OpenTest {
    if (!isOpen(mailing)) return false;
    const { ab_test, snapshot_done, due } = mailing;
    return ab_test.decides_at === undefined ? this.isOver(mailing) || (snapshot_done && due.length === 0) : this.mayDecide(mailing);
  }

  /** Checks whether the sample has been sent, and later which variant won. */
  async look(tenant: Tenant, mailing: OpenTest): Promise<void> {
    if (this.mayDecide(mailing)) return this.decide(tenant, mailing);
    const now = this.clock.now();
    const decidesAt = new Date(now.getTime() + mailing.options.ab_test.wait_minutes * 60_000);
    await this.database.inTenant(tenant, (tx) => tx.query(SAMPLE_IS_SENT, [tenant.id, mailing.campaign_no, now.toISOString(), decidesAt.toISOString()]));
  }

  private decide(tenant: Tenant, { campaign_no, campaign_id, options: { ab_test, variants = [] } }: OpenTest): Promise<void> {
    return this.database.inTenant(tenant, async (tx) => {
      const standings = standingsOf(variants, await tx.query<Standing[]>(standingsSql(ab_test.metric), [tenant.id, campaign_no]));
      const known: TestState = { ...winnerOf(standings), decided_at: this.clock.now().toISOString(), standings };
      const [decided] = await tx.query<[unknown[]]>(DECIDE, [tenant.id, campaign_no, JSON.stringify(known)]);
      if (decided.length > 0) this.logger.log({ msg: 'winner of a test', tenant: tenant.name, campaign_id, winner: known.winner, reason: known.reason });
    });
  }

  private mayDecide(mailing: OpenTest): boolean {
    const { decides_at } = mailing.ab_test;
    return this.isOver(mailing) || (decides_at !== undefined && Date.parse(decides_at) <= this.clock.now().getTime());
  }

  private isOver({ ends_at }: MailingAtWork): boolean {
    return ends_at !== null && ends_at <= this.clock.now();
  }
}

const isOpen = (mailing: MailingAtWork): mailing is OpenTest =>
  mailing.options.ab_test !== undefined && mailing.ab_test !== null && mailing.ab_test.winner === undefined && (mailing.state === 'running' || mailing.state === 'paused');

/** Whether everybody's variant is known, as it always is without a test. */
export const isDecided = ({ ab_test }: Pick<MailingAtWork, 'ab_test'>): boolean => ab_test === null || ab_test.winner !== undefined;

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { counted } from './counters.js';
import { GiveWay } from './give-way.js';
import { CANCELABLE, type ClaimedRow, GIVE_BACK, HOLD, named, touched } from './ledger.queries.js';
import { type Hindrance, MAILING_HELD } from './mailing.js';
import type { MailingAtWork } from './preparation.js';
import { Readiness } from './readiness.js';
import { StopRuling } from './stop-rules.js';

/** Rows of one transaction. */
const BULK = 2_000;

/** Finds out why a mailing cannot go on, and pauses it with the reason. */
@Injectable()
export class Stops {
  constructor(
    private readonly jobs: Jobs,
    private readonly settings: SettingsService,
    private readonly readiness: Readiness,
    private readonly rules: StopRuling,
    private readonly giveWay: GiveWay,
  ) {}

  async hindrance(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork): Promise<Hindrance | null> {
    const unready = await this.readiness.hindrance(tx, tenant, mailing.channels, await this.settings.of(tx, tenant));
    return unready ?? this.rules.hindrance(tx, tenant, mailing);
  }

  /** Pauses the mailing. One that had ended before an operator resent some of its messages cannot be resumed: those messages become `unknown` again, with the reason. */
  async hold(tx: EntityManager, tenant: Tenant, { campaign_no }: MailingAtWork, { code, detail }: Hindrance): Promise<void> {
    const ended = await tx.query<unknown[]>('SELECT 1 FROM mailings WHERE tenant_id = $1 AND campaign_no = $2 AND finished_at IS NOT NULL', [tenant.id, campaign_no]);
    if (ended.length > 0) return this.giveBack(tx, tenant, campaign_no, code);
    const [[held]] = await tx.query<[{ campaign_id: string }[]]>(HOLD, [tenant.id, campaign_no]);
    if (held === undefined) return;
    await this.jobs.publish(tx, tenant, MAILING_HELD, { campaign_id: held.campaign_id, code, detail });
    await this.giveWay.ended(tx, tenant);
  }

  private async giveBack(tx: EntityManager, tenant: Tenant, campaignNo: number, reason: string): Promise<void> {
    const rows = await tx.query<ClaimedRow[]>(CANCELABLE, [tenant.id, campaignNo, BULK]);
    await counted(tx, tenant, touched(campaignNo, rows), () => tx.query(GIVE_BACK, [tenant.id, campaignNo, ...named(rows), reason]));
  }
}

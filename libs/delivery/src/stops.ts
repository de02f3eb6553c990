import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs } from '#jobs';
import type { Tenant } from '#kernel';
import { SettingsService } from '#tenants';
import { HOLD } from './ledger.queries.js';
import { type Hindrance, MAILING_HELD } from './mailing.js';
import type { MailingAtWork } from './preparation.js';
import { Readiness } from './readiness.js';
import { StopRuling } from './stop-rules.js';

/** Finds out why a mailing cannot go on, and pauses it with the reason. */
@Injectable()
export class Stops {
  constructor(
    private readonly jobs: Jobs,
    private readonly settings: SettingsService,
    private readonly readiness: Readiness,
    private readonly rules: StopRuling,
  ) {}

  async hindrance(tx: EntityManager, tenant: Tenant, mailing: MailingAtWork): Promise<Hindrance | null> {
    const unready = await this.readiness.hindrance(tx, tenant, mailing.channels, await this.settings.of(tx, tenant));
    return unready ?? this.rules.hindrance(tx, tenant, mailing);
  }

  async hold(tx: EntityManager, tenant: Tenant, { campaign_no }: MailingAtWork, { code, detail }: Hindrance): Promise<void> {
    const [[held]] = await tx.query<[{ campaign_id: string }[]]>(HOLD, [tenant.id, campaign_no]);
    if (held !== undefined) await this.jobs.publish(tx, tenant, MAILING_HELD, { campaign_id: held.campaign_id, code, detail });
  }
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { Promos } from '#promos';
import type { Hindrance } from './mailing.js';
import type { StopRules } from './options.js';

/** How many messages must have been tried before a rate means anything. */
const ENOUGH = 100;

/** Counts since the start, or since the campaign was resumed after a rule had stopped it. */
export interface Tally {
  sent: number;
  bounced: number;
  failed: number;
  complained: number;
}

/** The rate that exceeds the rules, if any. A message that the provider refused counts as a bounce. */
export function exceeded({ bounce_rate, complaint_rate }: StopRules, { sent, bounced, failed, complained }: Tally): Hindrance | null {
  const tried = sent + failed;
  if (tried < ENOUGH) return null;
  const [bounces, complaints] = [((bounced + failed) / tried) * 100, (complained / tried) * 100];
  const told = (what: string, rate: number, most: number): string => `${rate.toFixed(2)} % of ${tried} messages ${what}; the campaign stops above ${most} %.`;
  if (bounce_rate !== undefined && bounces > bounce_rate) return { code: 'bounce_rate_exceeded', detail: told('bounced or were refused', bounces, bounce_rate) };
  if (complaint_rate !== undefined && complaints > complaint_rate) return { code: 'complaint_rate_exceeded', detail: told('were complained of', complaints, complaint_rate) };
  return null;
}

const TALLY = `
  SELECT ${(['sent', 'bounced', 'failed', 'complained'] as const).map((name) => `(c.${name} - coalesce((m.forgiven->>'${name}')::bigint, 0))::float8 AS ${name}`).join(', ')}
    FROM mailings m JOIN mailing_counters c ON c.tenant_id = m.tenant_id AND c.campaign_no = m.campaign_no
   WHERE m.tenant_id = $1 AND m.campaign_no = $2`;

const FORGIVE = `
  UPDATE mailings m SET forgiven = jsonb_build_object('sent', c.sent, 'bounced', c.bounced, 'failed', c.failed, 'complained', c.complained)
    FROM mailing_counters c
   WHERE m.tenant_id = $1 AND m.campaign_no = $2 AND c.tenant_id = $1 AND c.campaign_no = $2`;

/** Nothing is sent until the promo has more to give. */
export interface UsedUp extends Hindrance {
  code: 'promo_used_up';
  params: { promo_id: string };
}

/** The part of a mailing that its rules need. */
interface Ruled {
  campaign_no: number;
  promo_id: string | null;
  options: { stop_rules?: StopRules };
}

/** Finds mailings that do harm, or announce a promo that is used up. Asked before each batch. */
@Injectable()
export class StopRuling {
  constructor(private readonly promos: Promos) {}

  async hindrance(tx: EntityManager, tenant: Tenant, { campaign_no, promo_id, options: { stop_rules } }: Ruled): Promise<Hindrance | null> {
    if (stop_rules === undefined) return null;
    const usedUp = await this.promoUsedUp(tx, tenant, promo_id, stop_rules);
    if (usedUp !== null) return usedUp;
    const [tally] = await tx.query<[Tally]>(TALLY, [tenant.id, campaign_no]);
    return exceeded(stop_rules, tally);
  }

  /** Unlike a rate, this cannot be forgiven: until the promo has more uses or more budget, the next batch would stop again. */
  async promoUsedUp(tx: EntityManager, tenant: Tenant, promoId: string | null, rules: StopRules | undefined): Promise<UsedUp | null> {
    if (!rules?.promo_budget || promoId === null || !(await this.promos.isUsedUp(tx, tenant, promoId))) return null;
    return { code: 'promo_used_up', detail: 'The uses or the budget of the promo that the campaign announces are used up: raise its `usage_limit` or `budget` first.', params: { promo_id: promoId } };
  }

  /** Somebody resumes the campaign in spite of a rate that was exceeded: rates are counted from zero. Does nothing if none is exceeded. */
  async forgive(tx: EntityManager, tenant: Tenant, campaignNo: number): Promise<void> {
    const [mailing] = await tx.query<{ stop_rules: StopRules | null }[]>(`SELECT options->'stop_rules' AS stop_rules FROM mailings WHERE tenant_id = $1 AND campaign_no = $2`, [tenant.id, campaignNo]);
    if (!mailing?.stop_rules) return;
    const [tally] = await tx.query<[Tally]>(TALLY, [tenant.id, campaignNo]);
    if (exceeded(mailing.stop_rules, tally) !== null) await tx.query(FORGIVE, [tenant.id, campaignNo]);
  }
}

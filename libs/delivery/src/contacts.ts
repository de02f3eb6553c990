import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { FrequencyCap } from '#tenants';
import type { Recipient } from './decision.js';

/** Two workers that decide about one customer at once would both find room under the cap, so the workers of a tenant take turns. */
const TAKE_TURNS = `SELECT pg_advisory_xact_lock(hashtext('frequency_cap'), $1)`;

/**
 * $1 tenant, $2 customers, $3 the beginning of the cap's days, $4 the campaign's priority, $5 until when another message would fall into the same days as one sent now.
 * Messages that may have arrived count as had. Those being sent may still fail, so they are ahead, as are those of more urgent campaigns due in these days.
 */
const CONTACTS = `
  SELECT d.customer_no,
         count(*) FILTER (WHERE d.status = 'accepted' AND d.accepted_at > $3 OR d.status = 'unknown' AND coalesce(d.called_at, m.started_at) > $3)::int AS had,
         count(*) FILTER (WHERE a.first)::int AS ahead,
         max(t.due) FILTER (WHERE a.first) AS ahead_until
    FROM deliveries d JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = d.campaign_no
         CROSS JOIN LATERAL (SELECT CASE WHEN d.next_attempt_at >= m.claims_from AND isfinite(d.next_attempt_at) THEN d.next_attempt_at ELSE (m.ab_test->>'decides_at')::timestamptz END AS due) t
         CROSS JOIN LATERAL (SELECT d.status = 'calling' OR d.status IN ('pending', 'claimed') AND m.state = 'running' AND m.priority > $4 AND coalesce(t.due < $5, true) AS first) a
   WHERE d.tenant_id = $1 AND d.customer_no = ANY ($2::int[]) AND m.type <> 'transactional'
   GROUP BY d.customer_no`;

/** Whether a more urgent campaign is still taking its snapshot: any customer could be in it. $1 tenant, $2 the campaign's priority */
const GATHERING = `SELECT 1 FROM mailings WHERE tenant_id = $1 AND state = 'running' AND NOT snapshot_done AND type <> 'transactional' AND priority > $2 LIMIT 1`;

const NO_CONTACTS: Recipient['contacts'] = { had: 0, ahead: 0, aheadUntil: null };

/** How often customers were written to, for the frequency cap. */
@Injectable()
export class Contacts {
  /** The counts are right until the end of the transaction: nobody else decides about the tenant's customers before. */
  async count(tx: EntityManager, tenant: Tenant, { per_days }: FrequencyCap, priority: number, customerNos: readonly number[], now: Date): Promise<(customerNo: number) => Recipient['contacts']> {
    await tx.query(TAKE_TURNS, [tenant.id]);
    const [since, until] = [-1, 1].map((sign) => new Date(now.getTime() + sign * per_days * 86_400_000));
    const rows = await tx.query<{ customer_no: number; had: number; ahead: number; ahead_until: Date | null }[]>(CONTACTS, [tenant.id, customerNos, since, priority, until]);
    const gathering = await tx.query<unknown[]>(GATHERING, [tenant.id, priority]);
    const counts = new Map(rows.map(({ customer_no, had, ahead, ahead_until }) => [customer_no, { had, ahead, aheadUntil: ahead_until }]));
    return (customerNo) => {
      const contacts = counts.get(customerNo) ?? NO_CONTACTS;
      return gathering.length > 0 ? { ...contacts, ahead: Infinity } : contacts;
    };
  }
}

export const noContacts = (): Recipient['contacts'] => NO_CONTACTS;

import { TOLD } from './ledger.queries.js';
import { FACTS } from './receipt.queries.js';

/** SQL of a merge: `$1` the tenant, `$2` the customer who is merged away, `$3` the survivor. Rows that are being sent stay until they are settled. */

export const CAMPAIGNS_OF = `
  SELECT campaign_no FROM deliveries WHERE tenant_id = $1 AND customer_no = $2
  UNION SELECT campaign_no FROM conversions WHERE tenant_id = $1 AND customer_no = $2`;

/** Which of two rows says more about what became of the message; if both were skipped, the one that was held out or admitted. */
const PROGRESS = `'{skipped,claimed,pending,rejected,unknown,accepted}'::text[]`;
const progress = (row: 'd' | 'f'): string => `(array_position(${PROGRESS}, ${row}.status), coalesce(${row}.admitted_at, ${row}.held_out_at) IS NOT NULL)`;
const further = `d.status <> 'calling' AND ${progress('f')} > ${progress('d')}`;
const OUTCOME = ['reason', 'attempts', 'next_attempt_at', 'provider', 'provider_message_id', 'accepted_at', 'called_at', 'variant', 'admitted_at', 'held_out_at', 'receiver'] as const;

/** What the two have of each campaign, and whether they may have read it. Held: no sender changes that meanwhile. */
export const HELD_MESSAGES = `
  SELECT campaign_no, customer_no = $2 AS merged, ${TOLD} AS told FROM deliveries
   WHERE tenant_id = $1 AND customer_no IN ($2, $3) ORDER BY campaign_no, customer_no, channel FOR UPDATE`;

/** A message that a receiver may have would reach them under another id from now on, and they would take it again. So its outcome stays unknown. */
export const UNBIND = `
  UPDATE deliveries SET status = 'unknown', lease_until = NULL WHERE tenant_id = $1 AND customer_no = $2 AND receiver IS NOT NULL AND status IN ('pending', 'claimed')`;

/** Two rows of one campaign and channel become one, with the earliest instants of either: unique metrics count the person once, and nobody who got the message gets it again. While the survivor's is being sent, the other row is kept until that is settled. */
export const FOLD = `
  WITH folded AS (
    DELETE FROM deliveries f WHERE f.tenant_id = $1 AND f.customer_no = $2 AND f.status <> 'calling'
       AND EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = f.campaign_no AND d.customer_no = $3 AND d.channel = f.channel
                      AND (d.status <> 'calling' OR f.status IN ('skipped', 'pending', 'claimed')))
    RETURNING *),
  kept AS (
    INSERT INTO merged_deliveries SELECT kept.* FROM folded f, jsonb_populate_record(NULL::merged_deliveries, to_jsonb(f) || jsonb_build_object('customer_no', $3::int)) kept
     WHERE f.status NOT IN ('pending', 'claimed'))
  UPDATE deliveries d
     SET status = CASE WHEN ${further} THEN f.status ELSE d.status END,
         ${OUTCOME.map((column) => `${column} = CASE WHEN ${further} THEN f.${column} ELSE d.${column} END`).join(', ')},
         lease_until = CASE WHEN ${further} THEN NULL ELSE d.lease_until END,
         ${FACTS.map((fact) => `${fact} = least(d.${fact}, f.${fact})`).join(', ')}
    FROM folded f
   WHERE d.tenant_id = $1 AND d.campaign_no = f.campaign_no AND d.customer_no = $3 AND d.channel = f.channel`;

/** The rest. A sender that has merely claimed such a row does not find it any more, and lets it go. */
export const MOVE_DELIVERIES = `
  UPDATE deliveries f SET customer_no = $3, lease_until = NULL, status = CASE status WHEN 'claimed' THEN 'pending' ELSE status END
   WHERE f.tenant_id = $1 AND f.customer_no = $2 AND f.status <> 'calling'
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.campaign_no = f.campaign_no AND d.customer_no = $3 AND d.channel = f.channel)`;

/** Nothing is sent to the survivor while the other's message is being sent: the sender that holds the survivor's row loses it, and the next to claim it defers it. */
export const HOLD_BACK = `
  UPDATE deliveries d SET lease_until = NULL, status = 'pending'
   WHERE d.tenant_id = $1 AND d.customer_no = $3 AND d.status IN ('pending', 'claimed')
     AND EXISTS (SELECT 1 FROM deliveries f WHERE f.tenant_id = $1 AND f.campaign_no = d.campaign_no AND f.customer_no = $2 AND f.channel = d.channel)`;

/** Rows still under numbers that were merged away, of the campaign `$2` and the channel `$3`. */
export const LEFT_BEHIND = `
  SELECT customer_no, status FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 AND channel = $3 AND customer_no = ANY ($4::int[])`;

/** Naming the campaigns names the partitions. */
export const MOVE_ADDRESSES = `
  UPDATE mailing_addresses SET customer_no = $3 WHERE tenant_id = $1 AND campaign_no = ANY ($4::int[]) AND customer_no = $2`;

export const MOVE_HITS = `
  WITH moved AS (DELETE FROM delivery_hits WHERE tenant_id = $1 AND customer_no = $2 RETURNING *)
  INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
  SELECT tenant_id, $3, at, campaign_no, channel, kind, link_no, machine FROM moved ON CONFLICT DO NOTHING`;

/** Tables that hold a customer's number without a unique key on it. */
export const RENUMBER = ['merged_deliveries', 'conversions', 'campaign_redemptions'].map((table) => `UPDATE ${table} SET customer_no = $3 WHERE tenant_id = $1 AND customer_no = $2`);

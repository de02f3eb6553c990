const FACTS = ['delivered_at', 'opened_at', 'machine_opened_at', 'clicked_at', 'bounced_at', 'failed_at', 'complained_at', 'unsubscribed_at'] as const;

/**
 * Adds evidence to the ledger (LEAST passes NULLs over). Whoever was delivered to, or bounced, was accepted by the provider:
 * that settles an `unknown`, and corrects one that was given up. A failure settles an `unknown` the other way.
 */
export const RECORD_EVIDENCE = `
  UPDATE deliveries d
     SET ${FACTS.map((fact) => `${fact} = least(d.${fact}, e.${fact})`).join(', ')},
         status = CASE WHEN d.status IN ('unknown', 'rejected') AND coalesce(e.delivered_at, e.bounced_at) IS NOT NULL THEN 'accepted'
                       WHEN d.status = 'unknown' AND e.failed_at IS NOT NULL THEN 'rejected' ELSE d.status END,
         accepted_at = CASE WHEN d.status IN ('unknown', 'rejected') THEN coalesce(d.accepted_at, e.delivered_at, e.bounced_at) ELSE d.accepted_at END,
         reason = CASE WHEN coalesce(e.bounced_at, e.failed_at) IS NOT NULL THEN coalesce(e.reason, d.reason)
                       WHEN d.status IN ('unknown', 'rejected') AND e.delivered_at IS NOT NULL THEN NULL ELSE d.reason END
    FROM jsonb_to_recordset($2::jsonb) AS e (campaign_no int, customer_no int, channel text, reason text, ${FACTS.map((fact) => `${fact} timestamptz`).join(', ')})
   WHERE d.tenant_id = $1 AND d.campaign_no = e.campaign_no AND d.customer_no = e.customer_no AND d.channel = e.channel`;

export const RECORD_HITS = `
  INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
  SELECT $1, customer_no, at, campaign_no, channel, kind, link_no, machine
    FROM jsonb_to_recordset($2::jsonb) AS h (customer_no int, at timestamptz, campaign_no int, channel text, kind text, link_no int, machine boolean)
  ON CONFLICT DO NOTHING`;

/** Which of these rows stand for a message that was handed to a provider. */
export const SENT_AMONG = `
  SELECT d.campaign_no, d.customer_no, d.channel FROM unnest($2::int[], $3::int[], $4::text[]) AS n (campaign_no, customer_no, channel)
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel
   WHERE d.status IN ('calling', 'accepted', 'unknown') OR (d.status = 'rejected' AND d.attempts > 0)`;

export const BY_PROVIDER_MESSAGE = `
  SELECT provider_message_id, campaign_no, customer_no, channel FROM deliveries WHERE tenant_id = $1 AND provider <> 'smtp' AND provider_message_id = ANY ($2::text[])`;

/** Who of a campaign has the address. */
export const BY_ADDRESS = `
  SELECT a.place::int, o.customer_no FROM unnest($2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS a (campaign_no, channel, address_hash, place)
    JOIN mailing_addresses o ON o.tenant_id = $1 AND o.campaign_no = a.campaign_no AND o.channel = a.channel AND o.address_hash = a.address_hash`;

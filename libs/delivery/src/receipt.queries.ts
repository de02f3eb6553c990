export const FACTS = ['delivered_at', 'opened_at', 'machine_opened_at', 'clicked_at', 'bounced_at', 'failed_at', 'complained_at', 'unsubscribed_at'] as const;

/** No message did anything before it was sent, whatever the clock of who reports it says. Until its outcome is known, its mailing's start stands for that. */
const SENT_AT = 'coalesce(d.accepted_at, m.started_at)';

/** The earliest instant wins, so that receipts say the same in any order. */
const earliest = (fact: string): string => `${fact} = CASE WHEN e.${fact} IS NULL THEN d.${fact} ELSE least(d.${fact}, greatest(e.${fact}, ${SENT_AT})) END`;

/**
 * Adds evidence to the ledger. Whoever was delivered to, or bounced, was accepted by the provider: that settles an
 * `unknown`, and corrects one that was given up. A failure settles an `unknown` the other way. What SMTP accepted was
 * delivered at that instant, the earliest there is: so no receipt changes it.
 */
export const RECORD_EVIDENCE = `
  UPDATE deliveries d
     SET ${FACTS.map(earliest).join(', ')},
         status = CASE WHEN d.status IN ('unknown', 'rejected') AND coalesce(e.delivered_at, e.bounced_at) IS NOT NULL THEN 'accepted'
                       WHEN d.status = 'unknown' AND e.failed_at IS NOT NULL THEN 'rejected' ELSE d.status END,
         accepted_at = CASE WHEN d.status IN ('unknown', 'rejected') AND coalesce(e.delivered_at, e.bounced_at) IS NOT NULL
                            THEN coalesce(d.accepted_at, greatest(least(e.delivered_at, e.bounced_at), m.started_at)) ELSE d.accepted_at END,
         reason = CASE WHEN coalesce(e.bounced_at, e.failed_at) IS NOT NULL THEN coalesce(e.reason, d.reason)
                       WHEN d.status IN ('unknown', 'rejected') AND e.delivered_at IS NOT NULL THEN NULL ELSE d.reason END
    FROM jsonb_to_recordset($2::jsonb) AS e (campaign_no int, customer_no int, channel text, reason text, ${FACTS.map((fact) => `${fact} timestamptz`).join(', ')})
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = e.campaign_no
   WHERE d.tenant_id = $1 AND d.campaign_no = e.campaign_no AND d.customer_no = e.customer_no AND d.channel = e.channel`;

/** What these messages are known to have come to before. */
export const RETURNED_BEFORE = `
  SELECT n.place::int, m.campaign_id, d.bounced_at IS NOT NULL AS bounced, d.complained_at IS NOT NULL AS complained
    FROM unnest($2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS n (campaign_no, customer_no, channel, place)
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = n.campaign_no`;

/** Keeps hits of messages that were sent. @returns those that are new, with the instant they count at */
export const RECORD_HITS = `
  INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
  SELECT $1, h.customer_no, greatest(h.at, ${SENT_AT}), h.campaign_no, h.channel, h.kind, h.link_no, h.machine
    FROM jsonb_to_recordset($2::jsonb) AS h (customer_no int, at timestamptz, campaign_no int, channel text, kind text, link_no int, machine boolean)
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = h.campaign_no
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = h.campaign_no AND d.customer_no = h.customer_no AND d.channel = h.channel
  ON CONFLICT DO NOTHING
  RETURNING campaign_no, customer_no, channel, at, machine`;

/** Rows of `delivery_hits h` that are of the same message as those that are named by `n`. */
const OF_MESSAGE = 'h.tenant_id = $1 AND h.customer_no = n.customer_no AND h.campaign_no = n.campaign_no AND h.channel = n.channel';

/** Clicks of the same messages within `$3` milliseconds of these hits. */
export const CLICKS_NEAR = `
  SELECT DISTINCT h.campaign_no, h.customer_no, h.channel, h.at, h.link_no
    FROM jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, at timestamptz)
    JOIN delivery_hits h ON ${OF_MESSAGE} AND h.kind = 'click' AND h.at BETWEEN n.at - make_interval(secs => $3 / 1000.0) AND n.at + make_interval(secs => $3 / 1000.0)`;

/** Makes people's hits of these spans a machine's: one that is known as such already stays the only one. @returns of each message the first of them */
export const RECLASSIFY = `
  WITH disowned AS (
    DELETE FROM delivery_hits h USING jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, "from" timestamptz, until timestamptz)
     WHERE ${OF_MESSAGE} AND h.at BETWEEN n."from" AND n.until AND NOT h.machine RETURNING h.*),
  kept AS (
    INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
    SELECT tenant_id, customer_no, at, campaign_no, channel, kind, link_no, true FROM disowned ON CONFLICT DO NOTHING)
  SELECT campaign_no, customer_no, channel, min(at) AS at, true AS machine FROM disowned GROUP BY campaign_no, customer_no, channel`;

/** What people did, after the first hits of these messages turned out to be none of theirs: what they did before is as it was. */
export const RECOUNT = `
  UPDATE deliveries d
     SET ${(['opened_at', 'clicked_at'] as const).map((fact) => `${fact} = CASE WHEN d.${fact} < n.at THEN d.${fact} ELSE (
           SELECT min(greatest(h.at, ${SENT_AT})) FROM delivery_hits h WHERE ${OF_MESSAGE} AND NOT h.machine${fact === 'clicked_at' ? ` AND h.kind = 'click'` : ''}) END`).join(', ')},
         machine_opened_at = least(d.machine_opened_at, greatest(n.at, ${SENT_AT}))
    FROM jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, at timestamptz)
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = n.campaign_no
   WHERE d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel`;

/** Which of these rows stand for a message that was handed to a provider. */
export const SENT_AMONG = `
  SELECT d.campaign_no, d.customer_no, d.channel FROM unnest($2::int[], $3::int[], $4::text[]) AS n (campaign_no, customer_no, channel)
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel
   WHERE d.status IN ('calling', 'accepted', 'unknown') OR (d.status = 'rejected' AND d.attempts > 0)`;

/**
 * The messages that a provider knows by these ids (`$2`), with the hash of the address (`$3`, null where none is told) that each was written to. Many may
 * share one id, where a provider takes them in one call: of these the address decides.
 */
export const BY_PROVIDER_MESSAGE = `
  SELECT n.place::int, d.campaign_no, d.customer_no, d.channel
    FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS n (id, address_hash, place)
   CROSS JOIN LATERAL (
     SELECT d.campaign_no, d.customer_no, d.channel, count(*) OVER () AS sharing,
            EXISTS (SELECT FROM mailing_addresses a WHERE a.tenant_id = $1 AND a.campaign_no = d.campaign_no AND a.customer_no = d.customer_no
                       AND a.channel = d.channel AND a.address_hash = n.address_hash) AS addressed
       FROM deliveries d WHERE d.tenant_id = $1 AND d.provider <> 'smtp' AND d.provider_message_id = n.id) d
   WHERE d.addressed OR d.sharing = 1`;

/** Where these messages went; of customers who were merged, where the messages of both went. */
export const SENT_TO = `
  SELECT n.place::int, a.address_hash FROM unnest($2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS n (campaign_no, customer_no, channel, place)
    JOIN mailing_addresses a ON a.tenant_id = $1 AND a.campaign_no = n.campaign_no AND a.customer_no = n.customer_no AND a.channel = n.channel`;

/** How many messages on end an address may bounce for now before nothing more is sent there. */
const SOFT_BOUNCES = 5;

/**
 * Which of these customers' addresses had nothing but soft bounces of late. What is not known to have arrived or bounced does not count, and
 * one that was opened arrived, whatever a bounce says.
 */
export const WORN_OUT = `
  SELECT n.place::int FROM unnest($2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS n (customer_no, channel, address_hash, place)
   CROSS JOIN LATERAL (
     SELECT d.bounced_at IS NOT NULL AND d.reason = 'soft' AND d.opened_at IS NULL AS soft
       FROM deliveries d JOIN mailing_addresses a ON a.tenant_id = $1 AND a.campaign_no = d.campaign_no AND a.channel = d.channel AND a.address_hash = n.address_hash
      WHERE d.tenant_id = $1 AND d.customer_no = n.customer_no AND d.channel = n.channel AND coalesce(d.delivered_at, d.bounced_at) IS NOT NULL
      ORDER BY d.accepted_at DESC LIMIT ${SOFT_BOUNCES}) late
   GROUP BY n.place HAVING count(*) = ${SOFT_BOUNCES} AND bool_and(late.soft)`;

/** Who of a campaign has the address. */
export const BY_ADDRESS = `
  SELECT a.place::int, o.customer_no FROM unnest($2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS a (campaign_no, channel, address_hash, place)
    JOIN mailing_addresses o ON o.tenant_id = $1 AND o.campaign_no = a.campaign_no AND o.channel = a.channel AND o.address_hash = a.address_hash`;

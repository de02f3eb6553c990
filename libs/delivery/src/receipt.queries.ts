export const FACTS = ['delivered_at', 'opened_at', 'machine_opened_at', 'clicked_at', 'bounced_at', 'failed_at', 'complained_at', 'unsubscribed_at'] as const;

/** Nothing happens to a message before it is sent, whatever the reporter's clock says. Until its outcome is known, the start of its mailing stands for the sending. */
const SENT_AT = 'coalesce(d.accepted_at, m.started_at)';

/** The earliest instant wins, so that the order of receipts does not matter. */
const earliest = (fact: string): string => `${fact} = CASE WHEN e.${fact} IS NULL THEN d.${fact} ELSE least(d.${fact}, greatest(e.${fact}, ${SENT_AT})) END`;

/**
 * Adds evidence to the ledger. A delivery or a bounce proves that the provider accepted the message: it settles an
 * `unknown`, and corrects a `rejected`. A failure settles an `unknown` as `rejected`. What SMTP accepted was delivered
 * at that instant, the earliest there is, so no receipt changes it.
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

/** Whether these messages are already known to have bounced or to have drawn a complaint. */
export const RETURNED_BEFORE = `
  SELECT n.place::int, m.campaign_id, d.bounced_at IS NOT NULL AS bounced, d.complained_at IS NOT NULL AS complained
    FROM unnest($2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS n (campaign_no, customer_no, channel, place)
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = n.campaign_no`;

/** Stores hits of messages in the ledger. @returns the new ones, with the instant they count at */
export const RECORD_HITS = `
  INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
  SELECT $1, h.customer_no, greatest(h.at, ${SENT_AT}), h.campaign_no, h.channel, h.kind, h.link_no, h.machine
    FROM jsonb_to_recordset($2::jsonb) AS h (customer_no int, at timestamptz, campaign_no int, channel text, kind text, link_no int, machine boolean)
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = h.campaign_no
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = h.campaign_no AND d.customer_no = h.customer_no AND d.channel = h.channel
  ON CONFLICT DO NOTHING
  RETURNING campaign_no, customer_no, channel, at, machine`;

/** Joins `delivery_hits h` to the rows of `n` for the same message. */
const OF_MESSAGE = 'h.tenant_id = $1 AND h.customer_no = n.customer_no AND h.campaign_no = n.campaign_no AND h.channel = n.channel';

/** Clicks of the same messages within `$3` milliseconds of these hits. */
export const CLICKS_NEAR = `
  SELECT DISTINCT h.campaign_no, h.customer_no, h.channel, h.at, h.link_no
    FROM jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, at timestamptz)
    JOIN delivery_hits h ON ${OF_MESSAGE} AND h.kind = 'click' AND h.at BETWEEN n.at - make_interval(secs => $3 / 1000.0) AND n.at + make_interval(secs => $3 / 1000.0)`;

/** Turns people's hits within these spans into a machine's; if the machine's is stored already, it stays the only one. @returns the first of these hits for each message */
export const RECLASSIFY = `
  WITH disowned AS (
    DELETE FROM delivery_hits h USING jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, "from" timestamptz, until timestamptz)
     WHERE ${OF_MESSAGE} AND h.at BETWEEN n."from" AND n.until AND NOT h.machine RETURNING h.*),
  kept AS (
    INSERT INTO delivery_hits (tenant_id, customer_no, at, campaign_no, channel, kind, link_no, machine)
    SELECT tenant_id, customer_no, at, campaign_no, channel, kind, link_no, true FROM disowned ON CONFLICT DO NOTHING)
  SELECT campaign_no, customer_no, channel, min(at) AS at, true AS machine FROM disowned GROUP BY campaign_no, customer_no, channel`;

/** Recounts what people did with these messages from the first reclassified hit on; anything earlier stays. */
export const RECOUNT = `
  UPDATE deliveries d
     SET ${(['opened_at', 'clicked_at'] as const).map((fact) => `${fact} = CASE WHEN d.${fact} < n.at THEN d.${fact} ELSE (
           SELECT min(greatest(h.at, ${SENT_AT})) FROM delivery_hits h WHERE ${OF_MESSAGE} AND NOT h.machine${fact === 'clicked_at' ? ` AND h.kind = 'click'` : ''}) END`).join(', ')},
         machine_opened_at = least(d.machine_opened_at, greatest(n.at, ${SENT_AT}))
    FROM jsonb_to_recordset($2::jsonb) AS n (campaign_no int, customer_no int, channel text, at timestamptz)
    JOIN mailings m ON m.tenant_id = $1 AND m.campaign_no = n.campaign_no
   WHERE d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel`;

/** Those of these rows whose message was handed to a provider. */
export const SENT_AMONG = `
  SELECT d.campaign_no, d.customer_no, d.channel FROM unnest($2::int[], $3::int[], $4::text[]) AS n (campaign_no, customer_no, channel)
    JOIN deliveries d ON d.tenant_id = $1 AND d.campaign_no = n.campaign_no AND d.customer_no = n.customer_no AND d.channel = n.channel
   WHERE d.status IN ('calling', 'accepted', 'unknown') OR (d.status = 'rejected' AND d.attempts > 0)`;

/**
 * The messages that a provider knows by these ids (`$2`), with the hash of the address (`$3`, null if none was given) that each was written to. Messages
 * that a provider takes in one call may share an id: then the address decides.
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

/** The hashed addresses that these messages went to; for merged customers, those of both customers' messages. */
export const SENT_TO = `
  SELECT n.place::int, a.address_hash FROM unnest($2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS n (campaign_no, customer_no, channel, place)
    JOIN mailing_addresses a ON a.tenant_id = $1 AND a.campaign_no = n.campaign_no AND a.customer_no = n.customer_no AND a.channel = n.channel`;

/** After this many soft bounces in a row, nothing more is sent to an address. */
const SOFT_BOUNCES = 5;

/**
 * Which of these customers' addresses had only soft bounces lately. A message not known to have arrived or bounced does not count, and one
 * that was opened arrived, whatever a bounce says.
 */
export const WORN_OUT = `
  SELECT n.place::int FROM unnest($2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS n (customer_no, channel, address_hash, place)
   CROSS JOIN LATERAL (
     SELECT d.bounced_at IS NOT NULL AND d.reason = 'soft' AND d.opened_at IS NULL AS soft
       FROM deliveries d JOIN mailing_addresses a ON a.tenant_id = $1 AND a.campaign_no = d.campaign_no AND a.channel = d.channel AND a.address_hash = n.address_hash
      WHERE d.tenant_id = $1 AND d.customer_no = n.customer_no AND d.channel = n.channel AND coalesce(d.delivered_at, d.bounced_at) IS NOT NULL
      ORDER BY d.accepted_at DESC LIMIT ${SOFT_BOUNCES}) late
   GROUP BY n.place HAVING count(*) = ${SOFT_BOUNCES} AND bool_and(late.soft)`;

/** The customers of a campaign who have the address. */
export const BY_ADDRESS = `
  SELECT a.place::int, o.customer_no FROM unnest($2::int[], $3::text[], $4::bytea[]) WITH ORDINALITY AS a (campaign_no, channel, address_hash, place)
    JOIN mailing_addresses o ON o.tenant_id = $1 AND o.campaign_no = a.campaign_no AND o.channel = a.channel AND o.address_hash = a.address_hash`;

/** A row as {@link SegmentRow} has it. */
const COLUMNS = 'segment_no, segment_id, name, description, type, criteria, size, last_updated, created_at, updated_at, version';

export const FIND = `SELECT ${COLUMNS} FROM segments WHERE tenant_id = $1 AND segment_id = $2`;

/** To be changed; whoever makes something that names it need not wait. */
export const FIND_TO_CHANGE = `${FIND} FOR NO KEY UPDATE`;

/** To be deleted: waits for whoever is making something that names it. */
export const FIND_TO_DELETE = `${FIND} FOR UPDATE`;

/** `$2` type or null, `$3` the number before which the page starts or null, `$4` limit, `$5` offset. */
export const LIST = `SELECT ${COLUMNS} FROM segments
  WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2) AND ($3::int IS NULL OR segment_no < $3) ORDER BY segment_no DESC LIMIT $4 OFFSET $5`;

export const INSERT = `
  INSERT INTO segments (tenant_id, segment_id, name, description, type, criteria, created_at, updated_at, followed_at, last_updated)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7, $8) RETURNING ${COLUMNS}`;

export const UPDATE = `
  UPDATE segments SET name = $3, description = $4, criteria = $5, updated_at = $6, version = version + 1
   WHERE tenant_id = $1 AND segment_no = $2`;

export const DELETE_MEMBERS = 'DELETE FROM segment_members WHERE tenant_id = $1 AND segment_no = $2';
export const DELETE = 'DELETE FROM segments WHERE tenant_id = $1 AND segment_no = $2';

/** `$2` the segment, `$3` the customer number after which the page starts, `$4` limit, `$5` offset. */
export const MEMBERS = `
  SELECT c.customer_no, c.customer_id, c.email, c.first_name, c.last_name
    FROM (SELECT customer_no FROM segment_members WHERE tenant_id = $1 AND segment_no = $2 AND customer_no > $3 ORDER BY customer_no LIMIT $4 OFFSET $5) m
    JOIN customers c ON c.tenant_id = $1 AND c.customer_no = m.customer_no
   ORDER BY c.customer_no`;

/** `$2` the segment, `$3` the customer number after which the page starts, `$4` limit. */
export const EXPORT_PAGE = `
  SELECT c.customer_no, c.customer_id, c.email, c.phone, c.first_name, c.last_name, c.locale, c.timezone, c.birthday::text, c.city, c.loyalty_tier, c.loyalty_points, c.tags,
         c.consent_email, c.consent_sms, c.consent_push, c.consents
    FROM (SELECT customer_no FROM segment_members WHERE tenant_id = $1 AND segment_no = $2 AND customer_no > $3 ORDER BY customer_no LIMIT $4) m
    JOIN customers c ON c.tenant_id = $1 AND c.customer_no = m.customer_no
   ORDER BY c.customer_no`;

/** Adds those that are not members yet, and says which; `$3` customer numbers. */
export const ADD_MEMBERS = `
  INSERT INTO segment_members (tenant_id, segment_no, customer_no) SELECT $1::int, $2::int, n FROM unnest($3::int[]) n ORDER BY n
  ON CONFLICT DO NOTHING RETURNING customer_no`;

export const REMOVE_MEMBER = 'DELETE FROM segment_members WHERE tenant_id = $1 AND segment_no = $2 AND customer_no = $3 RETURNING customer_no';

/** The lists, not computed, that the customer is in. */
export const LOCK_LISTS_OF = `
  SELECT s.segment_no, s.segment_id FROM segment_members m JOIN segments s ON s.tenant_id = m.tenant_id AND s.segment_no = m.segment_no
   WHERE m.tenant_id = $1 AND m.customer_no = $2 AND s.type <> 'dynamic' ORDER BY s.segment_no FOR NO KEY UPDATE OF s`;

export const SEGMENTS_OF = `
  SELECT s.segment_id, s.name FROM segment_members m JOIN segments s ON s.tenant_id = m.tenant_id AND s.segment_no = m.segment_no
   WHERE m.tenant_id = $1 AND m.customer_no = $2 ORDER BY s.segment_id`;

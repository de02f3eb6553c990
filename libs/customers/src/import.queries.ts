import { boundedTotal } from '#database';
import { OF_TENANT } from './customers.queries.js';

/** $1 tenant, $2 id, $3 target, $4 target's ref, $5 header, $6 columns, $7 dry run, $8 now */
export const BEGIN_IMPORT = `
  INSERT INTO imports (tenant_id, import_id, status, target, target_ref, header, columns, dry_run, created_at)
  VALUES ($1, $2, 'receiving', $3, $4, $5, $6, $7, $8) RETURNING import_no`;

/** $1 tenant, $2 import, $3 chunk, $4 rows as JSON */
export const KEEP_CHUNK = `INSERT INTO import_chunks (tenant_id, import_no, chunk_no, rows) VALUES ($1, $2, $3, $4)`;

/** $1 tenant, $2 import, $3 when its upload began. The chunk is gone exactly when what was made of it is there; `next` is what the following one holds so far, `erased` who was erased since. */
export const TAKE_CHUNK = `
  DELETE FROM import_chunks WHERE tenant_id = $1 AND import_no = $2
     AND chunk_no = (SELECT min(chunk_no) FROM import_chunks WHERE tenant_id = $1 AND import_no = $2)
  RETURNING chunk_no, rows, (SELECT later.rows FROM import_chunks later WHERE later.tenant_id = $1 AND later.import_no = $2 AND later.chunk_no = import_chunks.chunk_no + 1) AS next,
    (SELECT array_agg(name_hash) FROM erased_names WHERE tenant_id = $1 AND erased_at >= $3) AS erased`;

/**
 * COMMIT does not wait for the disk. If PostgreSQL crashes, the last chunks are as they were before, and are done again: who commits with a wait,
 * such as the import's own end, or a message before it is sent, has everything before it on the disk.
 */
export const NO_WAIT = 'SET LOCAL synchronous_commit = off';

/** $1 tenant, $2 import, $3 lines, $4 columns, $5 codes, $6 details */
export const KEEP_ERRORS = `
  INSERT INTO import_errors (tenant_id, import_no, line, "column", code, detail)
  SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[])`;

/** $1 tenant, $2 import, $3 chunk, $4 rejected rows as JSON */
export const KEEP_REJECTED = `INSERT INTO import_rejected (tenant_id, import_no, chunk_no, rows) VALUES ($1, $2, $3, $4)`;

/**
 * Whom a dry run came across, and the last email that it would have given them: later rows may be about the same. Returns how many it would create.
 * $1 tenant, $2 import, $3 ids, $4 emails, $5 whether there is such a customer
 */
export const KEEP_SEEN = `
  WITH seen AS MATERIALIZED (
    SELECT hashtextextended(id, 0) AS id_hash, hashtextextended(email, 0) AS email_hash, known FROM unnest($3::text[], $4::text[], $5::boolean[]) AS row (id, email, known)
  ), kept AS (
    INSERT INTO import_seen AS before (tenant_id, import_no, id_hash, email_hash) SELECT $1, $2, id_hash, email_hash FROM seen
    ON CONFLICT (tenant_id, import_no, id_hash) DO UPDATE SET email_hash = coalesce(excluded.email_hash, before.email_hash))
  SELECT count(*)::int AS count FROM seen
   WHERE NOT known AND NOT EXISTS (SELECT FROM import_seen before WHERE before.tenant_id = $1 AND before.import_no = $2 AND before.id_hash = seen.id_hash)`;

/** $1 tenant, $2 import */
export const FORGET_SEEN = `DELETE FROM import_seen WHERE tenant_id = $1 AND import_no = $2`;

/** What an import that ends early leaves. $1 tenant, $2 import */
export const FORGET_WAITING = ['DELETE FROM import_chunks WHERE tenant_id = $1 AND import_no = $2', FORGET_SEEN];

/** $1 tenant, $2 import, $3 processed, $4 created, $5 updated, $6 rejected, $7 now */
export const ADD_PROGRESS = `
  UPDATE imports SET status = 'running', processed = processed + $3, created = created + $4, updated = updated + $5, rejected = rejected + $6, failures = 0, started_at = coalesce(started_at, $7)
   WHERE tenant_id = $1 AND import_no = $2`;

/** Sees what the transaction has written. */
export const ANALYZE_CUSTOMERS = 'SELECT analyze_customers()';

/** $1 tenant, $2 import, $3 after this error, $4 limit */
export const ERRORS = `
  SELECT id, line, "column", code, detail FROM import_errors WHERE tenant_id = $1 AND import_no = $2 AND id > $3 ORDER BY id LIMIT $4`;

/** $1 tenant, $2 import, $3 after this chunk */
export const REJECTED = `
  SELECT chunk_no, rows FROM import_rejected WHERE tenant_id = $1 AND import_no = $2 AND chunk_no > $3 ORDER BY chunk_no LIMIT 1`;

/** The id is null where several customers have the email. $1 tenant, $2 emails */
export const IDS_OF_EMAILS = `
  SELECT email, CASE WHEN count(*) = 1 THEN min(customer_id) END AS customer_id FROM customers WHERE ${OF_TENANT} AND email = ANY ($2::text[]) GROUP BY email`;

/** The same after what a dry run came across; whom that would create has another id here. $1 tenant, $2 emails, $3 import */
export const SEEN_OF_EMAILS = `
  SELECT email, CASE WHEN count(*) = 1 THEN min(id) END AS customer_id
    FROM (SELECT email, customer_id AS id FROM customers
           WHERE ${OF_TENANT} AND email = ANY ($2::text[])
             AND NOT EXISTS (SELECT FROM import_seen
                              WHERE import_seen.${OF_TENANT} AND import_no = $3 AND id_hash = hashtextextended(customers.customer_id, 0) AND email_hash IS NOT NULL)
          UNION ALL
          SELECT asked.email, id_hash::text FROM unnest($2::text[]) AS asked (email)
            JOIN import_seen ON import_seen.${OF_TENANT} AND import_no = $3 AND email_hash = hashtextextended(asked.email, 0)) AS holders
   GROUP BY email`;

/** Of the imports that somebody has heard of. $1 tenant, $2 status or null for any */
export const COUNT_IMPORTS = boundedTotal(`FROM imports WHERE tenant_id = $1 AND status <> 'receiving' AND ($2::text IS NULL OR status = $2)`);

/** Files whose upload ended but whose caller never heard of it. $1 tenant, $2 before */
export const FORGET_ORPHANS = `DELETE FROM imports WHERE tenant_id = $1 AND status = 'receiving' AND created_at < $2`;

/** And why they were rejected: a file with a bad column has an error for each of its rows. $1 tenant, $2 before */
export const FORGET_REJECTED = `
  WITH errors AS (
    DELETE FROM import_errors USING imports
     WHERE imports.tenant_id = $1 AND imports.finished_at < $2 AND import_errors.tenant_id = $1 AND import_errors.import_no = imports.import_no)
  DELETE FROM import_rejected USING imports
   WHERE imports.tenant_id = $1 AND imports.finished_at < $2 AND import_rejected.tenant_id = $1 AND import_rejected.import_no = imports.import_no`;

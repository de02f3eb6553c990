/** $1 tenant, $2 id, $3 target, $4 target's ref, $5 columns, $6 now */
export const BEGIN_IMPORT = `
  INSERT INTO imports (tenant_id, import_id, status, target, target_ref, columns, created_at) VALUES ($1, $2, 'receiving', $3, $4, $5, $6) RETURNING import_no`;

/** $1 tenant, $2 import, $3 chunk, $4 rows as JSON */
export const KEEP_CHUNK = `INSERT INTO import_chunks (tenant_id, import_no, chunk_no, rows) VALUES ($1, $2, $3, $4)`;

/** $1 tenant, $2 import. The chunk is gone exactly when what was made of it is there. */
export const TAKE_CHUNK = `
  DELETE FROM import_chunks WHERE tenant_id = $1 AND import_no = $2
     AND chunk_no = (SELECT min(chunk_no) FROM import_chunks WHERE tenant_id = $1 AND import_no = $2)
  RETURNING rows`;

/** $1 tenant, $2 import, $3 lines, $4 columns, $5 codes, $6 details */
export const KEEP_ERRORS = `
  INSERT INTO import_errors (tenant_id, import_no, line, "column", code, detail)
  SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[])`;

/** $1 tenant, $2 import, $3 processed, $4 created, $5 updated, $6 rejected */
export const ADD_PROGRESS = `
  UPDATE imports SET status = 'running', processed = processed + $3, created = created + $4, updated = updated + $5, rejected = rejected + $6
   WHERE tenant_id = $1 AND import_no = $2`;

/** $1 tenant, $2 import, $3 after this error, $4 limit */
export const ERRORS = `
  SELECT id, line, "column", code, detail FROM import_errors WHERE tenant_id = $1 AND import_no = $2 AND id > $3 ORDER BY id LIMIT $4`;

/** $1 tenant, $2 emails. Of several customers of an address the one known longest. */
export const IDS_OF_EMAILS = `
  SELECT DISTINCT ON (email) email, customer_id FROM customers WHERE tenant_id = $1 AND email = ANY ($2::text[]) ORDER BY email, customer_no`;

/** Files whose upload ended but whose caller never heard of it. $1 tenant, $2 before */
export const FORGET_ORPHANS = `DELETE FROM imports WHERE tenant_id = $1 AND status = 'receiving' AND created_at < $2`;

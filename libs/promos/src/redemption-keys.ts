import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { RequestError, type Tenant, validationFailed } from '#kernel';

/** What an Idempotency-Key stands for, for ever: the ledger's own rows, so that the answer to it is their state now. */
export interface KeyedRedemptions {
  redemptionIds: string[];
  /** Whether they were asked for as `codes`. */
  several: boolean;
}

/** @throws RequestError validation_failed */
export function assertKey(key: string): void {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return;
  throw validationFailed([{ parameter: 'Idempotency-Key', code: 'format', detail: 'Idempotency-Key takes 1 to 255 visible ASCII characters.' }]);
}

export const fingerprintOf = (body: object): Buffer => createHash('sha256').update(JSON.stringify(body)).digest();

/**
 * Takes the key for redemptions about to be written in this transaction. Of several at once with one key the first goes on and
 * the others wait for it: when it commits they get its redemptions, when it fails the next goes on.
 *
 * @returns null, or what the key already stands for
 * @throws RequestError idempotency_key_reused
 */
export async function claimKey(tx: EntityManager, tenant: Tenant, key: string, fingerprint: Buffer, claim: KeyedRedemptions): Promise<KeyedRedemptions | null> {
  const claimed = await tx.query<unknown[]>(
    'INSERT INTO promo_redemption_keys (tenant_id, key, fingerprint, redemption_ids, several) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key',
    [tenant.id, key, fingerprint, claim.redemptionIds, claim.several],
  );
  if (claimed.length > 0) return null;
  const [kept] = await tx.query<(KeyedRedemptions & { fingerprint: Buffer })[]>(
    'SELECT fingerprint, redemption_ids AS "redemptionIds", several FROM promo_redemption_keys WHERE tenant_id = $1 AND key = $2',
    [tenant.id, key],
  );
  if (!kept!.fingerprint.equals(fingerprint)) throw new RequestError('idempotency_key_reused');
  return kept!;
}

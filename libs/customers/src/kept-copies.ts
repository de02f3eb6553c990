import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import { forgetRejectedRows } from './forget-rows.js';
import type { PersonalDataSource } from './personal-data.js';
import type { CustomerProfile } from './profile.js';
import { type Name, namesOf } from './row-names.js';

/**
 * The answer stays, or its request would be done again, but names nobody. Only the answers of batches name customers, and those of tests of
 * campaigns addresses; the primary key leads to those: a day's of one tenant.
 */
const FORGET_IN_ANSWERS = `
  UPDATE idempotency_keys SET body = jsonb_set(body, '{results}', (
           SELECT jsonb_agg(CASE WHEN result ->> 'customer_id' = ANY ($2::text[]) THEN result || '{"customer_id": null}' WHEN result ->> 'to' = ANY ($3::text[]) THEN result || '{"to": null}' ELSE result END ORDER BY place)
             FROM jsonb_array_elements(body -> 'results') WITH ORDINALITY AS results (result, place)))
   WHERE tenant_id = $1 AND (route LIKE 'POST %/customers/batch%' OR route LIKE 'POST %/campaigns/%/test')
     AND EXISTS (SELECT FROM jsonb_array_elements(body -> 'results') result WHERE result ->> 'customer_id' = ANY ($2::text[]) OR result ->> 'to' = ANY ($3::text[]))`;

/** What is on its way out when a person is erased: rows of files that wait to be corrected, answers kept for an Idempotency-Key. The rows that wait to be worked on went before: {@link forgetWaitingRows}. */
export const keptCopies = (profileOf: (tx: EntityManager, tenant: Tenant, customerNo: number) => Promise<CustomerProfile | undefined>): PersonalDataSource => ({
  name: 'kept_copies',
  timelines: {},
  export: async () => [], // copies of what the profile tells
  async erase(tx, tenant, customerNo) {
    const profile = await profileOf(tx, tenant, customerNo);
    if (profile === undefined) return;
    const names = await namesOf(tx, tenant, profile);
    const [ids, addresses] = [named(names, 'id'), [...named(names, 'email'), ...named(names, 'phone')]];
    await tx.query(FORGET_IN_ANSWERS, [tenant.id, ids, addresses]);
    await forgetRejectedRows(tx, tenant, names);
  },
  merge: async () => undefined, // they name people by their ids, and an id that was merged leads to the survivor
});

const named = (names: readonly Name[], kind: 'id' | 'email' | 'phone'): string[] => names.flatMap((name) => (name.startsWith(`${kind}:`) ? [name.slice(kind.length + 1)] : []));

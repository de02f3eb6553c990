import type { EntityManager } from 'typeorm';
import { type Tenant, toDecimal } from '#kernel';
import type { SettingsService } from '#tenants';
import type { PersonalDataSource, Timeline } from './personal-data.js';
import { ALIASES_OF } from './customers.queries.js';
import { ROW_COLUMNS } from './customers.list.js';
import type { CustomerRow } from './dto/customer.dto.js';
import { addressOf, CHANNELS, type CustomerProfile } from './profile.js';
import type { Suppressions } from './suppressions.js';

interface LoggedConsent {
  channel: string;
  status: string;
  source: string | null;
  at: Date;
}

interface Alias {
  customer_id: string;
  merged_at: Date;
}

/** What this domain itself keeps of a person. The profile's row goes last, by whoever erases. */
export const profileData = (settings: SettingsService, suppressions: Suppressions): PersonalDataSource => ({
  name: 'profile',
  timelines: { consent: consentTimeline, merge: mergeTimeline },
  async export(tx, tenant, customerNo) {
    const [profile] = await tx.query<CustomerRow[]>(`SELECT ${ROW_COLUMNS} FROM customers WHERE tenant_id = $1 AND customer_no = $2`, [tenant.id, customerNo]);
    const consents = await tx.query<LoggedConsent[]>('SELECT channel, status, source, at FROM consent_log WHERE tenant_id = $1 AND customer_no = $2 ORDER BY id', [tenant.id, customerNo]);
    const merged = await tx.query<Alias[]>(ALIASES_OF, [tenant.id, customerNo]);
    const { customer_no: _, version: __, total_spent, ...fields } = profile!;
    const { currency } = await settings.of(tx, tenant);
    return { ...fields, total_spent: toDecimal(Number(total_spent), currency), consent_history: consents, merged_customers: merged, suppressions: await suppressionsOf(tx, tenant, suppressions, profile!) };
  },
  async erase(tx, _tenant, customerNo) {
    await tx.query('SELECT erase_consents($1)', [customerNo]);
  },
  async merge(tx, _tenant, from, into) {
    await tx.query('SELECT merge_consents($1, $2)', [from, into]);
  },
});

/** Why the addresses that the person has now are not written to. */
async function suppressionsOf(tx: EntityManager, tenant: Tenant, suppressions: Suppressions, profile: CustomerProfile): Promise<object[]> {
  const addresses = CHANNELS.flatMap((channel) => {
    const address = addressOf(profile, channel);
    return address === null ? [] : [{ channel, address }];
  });
  const found = await suppressions.find(tx, tenant, addresses);
  return addresses.flatMap(({ channel, address }) => {
    const suppression = found(channel, address);
    return suppression === null ? [] : [{ channel, ...suppression }];
  });
}

const consentTimeline: Timeline = async (tx, tenant, customerNo, limit, { at: before, key: behind }) => {
  const rows = await tx.query<(LoggedConsent & { key: string })[]>(
    `SELECT ${CONSENT_KEY} AS key, channel, status, source, at FROM consent_log
      WHERE tenant_id = $1 AND customer_no = $2 AND (at < coalesce($3::timestamptz, 'infinity') OR (at = $3 AND ${CONSENT_KEY} < $5::text))
      ORDER BY at DESC, id DESC LIMIT $4`,
    [tenant.id, customerNo, before, limit, behind],
  );
  return rows.map(({ at, key, ...data }) => ({ at, key, data }));
};

/** Their order as texts is that of the ids, the last one first. */
const CONSENT_KEY = `lpad(id::text, 19, '0') COLLATE "C"`;

/** Few: all of them are read. */
const mergeTimeline: Timeline = async (tx, tenant, customerNo, limit, { at: before, key: behind }) => {
  const rows = await tx.query<Alias[]>(`SELECT * FROM (${ALIASES_OF}) alias ORDER BY merged_at DESC, customer_id COLLATE "C"`, [tenant.id, customerNo]);
  const isBehind = ({ merged_at, customer_id }: Alias): boolean =>
    before === null || merged_at < before || (behind !== null && merged_at.getTime() === before.getTime() && Buffer.compare(Buffer.from(customer_id), Buffer.from(behind)) > 0);
  return rows.filter(isBehind).slice(0, limit).map(({ merged_at, customer_id }) => ({ at: merged_at, key: customer_id, data: { customer_id } }));
};

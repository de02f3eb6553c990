import { toDecimal } from '#kernel';
import type { SettingsService } from '#tenants';
import type { PersonalDataSource } from './personal-data.js';
import { ALIASES_OF } from './customers.queries.js';
import { ROW_COLUMNS } from './customers.list.js';

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
export const profileData = (settings: SettingsService): PersonalDataSource => ({
  name: 'profile',
  async timeline(tx, tenant, customerNo, limit, before) {
    const rows = await tx.query<LoggedConsent[]>(
      `SELECT channel, status, source, at FROM consent_log
        WHERE tenant_id = $1 AND customer_no = $2 AND at < coalesce($3::timestamptz, 'infinity') ORDER BY at DESC, id DESC LIMIT $4`,
      [tenant.id, customerNo, before, limit],
    );
    const merges = await tx.query<Alias[]>(ALIASES_OF, [tenant.id, customerNo]);
    return [
      ...rows.map(({ at, channel, status, source }) => ({ at, type: 'consent', data: { channel, status, source } })),
      ...merges.filter(({ merged_at }) => before === null || merged_at < before).slice(0, limit).map(({ merged_at, customer_id }) => ({ at: merged_at, type: 'merge', data: { customer_id } })),
    ];
  },
  async export(tx, tenant, customerNo) {
    const [profile] = await tx.query<({ customer_no: number; version: number } & Record<string, unknown>)[]>(`SELECT ${ROW_COLUMNS} FROM customers WHERE tenant_id = $1 AND customer_no = $2`, [tenant.id, customerNo]);
    const consents = await tx.query<LoggedConsent[]>('SELECT channel, status, source, at FROM consent_log WHERE tenant_id = $1 AND customer_no = $2 ORDER BY id', [tenant.id, customerNo]);
    const merged = await tx.query<Alias[]>(ALIASES_OF, [tenant.id, customerNo]);
    const { customer_no: _, version: __, total_spent, ...fields } = profile!;
    const { currency } = await settings.of(tx, tenant);
    return { ...fields, total_spent: toDecimal(Number(total_spent), currency), consent_history: consents, merged_customers: merged };
  },
  async erase(tx, _tenant, customerNo) {
    await tx.query('SELECT erase_consents($1)', [customerNo]);
  },
  async merge(tx, _tenant, from, into) {
    await tx.query('SELECT merge_consents($1, $2)', [from, into]);
  },
});

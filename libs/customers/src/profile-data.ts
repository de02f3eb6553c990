import { toDecimal } from '#kernel';
import type { SettingsService } from '#tenants';
import type { PersonalDataSource } from './personal-data.js';
import { ROW_COLUMNS } from './customers.list.js';

interface LoggedConsent {
  channel: string;
  status: string;
  source: string | null;
  at: Date;
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
    return rows.map(({ at, channel, status, source }) => ({ at, type: 'consent', data: { channel, status, source } }));
  },
  async export(tx, tenant, customerNo) {
    const [profile] = await tx.query<({ customer_no: number; version: number } & Record<string, unknown>)[]>(`SELECT ${ROW_COLUMNS} FROM customers WHERE tenant_id = $1 AND customer_no = $2`, [tenant.id, customerNo]);
    const consents = await tx.query<LoggedConsent[]>('SELECT channel, status, source, at FROM consent_log WHERE tenant_id = $1 AND customer_no = $2 ORDER BY id', [tenant.id, customerNo]);
    const { customer_no: _, version: __, total_spent, ...fields } = profile!;
    const { currency } = await settings.of(tx, tenant);
    return { ...fields, total_spent: toDecimal(Number(total_spent), currency), consent_history: consents };
  },
  async erase(tx, tenant, customerNo) {
    await tx.query('DELETE FROM consent_log WHERE tenant_id = $1 AND customer_no = $2', [tenant.id, customerNo]);
  },
});

import type { TestApp } from './app.js';
import { eventually } from './eventually.js';

type Provider = 'sendgrid' | 'twilio' | 'mailchimp' | 'hubspot';

/** What a tenant got from a provider, and what came of it. */
export class InboundEvents {
  constructor(
    private readonly app: TestApp,
    private readonly provider: Provider,
    readonly tenant: string,
  ) {}

  /** Once each is settled, newest first. */
  settled() {
    return eventually(async () => {
      const { data } = (await this.app.api(['marketing'], this.tenant).GET('/api/v1/marketing/webhooks/{provider}/events', { params: { path: { provider: this.provider }, query: { limit: 100 } } })).data!;
      expect(data.filter((one) => one.status === 'pending')).toEqual([]);
      return data;
    });
  }

  /** `type status reason` of each, sorted. */
  async outcomes(): Promise<string[]> {
    return (await this.settled()).map(({ type, status, reason }) => `${type} ${status}${reason === null ? '' : ` ${reason}`}`).sort();
  }

  /** Bodies and events. */
  async stored(): Promise<number> {
    const [row] = await this.app.sql<{ n: number }>(
      `SELECT (SELECT count(*)::int FROM webhook_bodies b WHERE b.tenant_id = t.id) + (SELECT count(*)::int FROM webhook_events e WHERE e.tenant_id = t.id) AS n FROM tenants t WHERE name = $1`, [this.tenant]);
    return row!.n;
  }

  /** Why addresses of the tenant are closed, sorted. */
  async suppressions(): Promise<string[]> {
    return (await this.app.sql<{ reason: string }>(`SELECT reason FROM suppressions s JOIN tenants t ON t.id = s.tenant_id WHERE t.name = $1 ORDER BY reason`, [this.tenant])).map(({ reason }) => reason);
  }

  /** Everybody, by email. */
  async customers() {
    return this.app.sql<{ customer_id: string; email: string | null; phone: string | null; first_name: string | null; last_name: string | null; consent: string; source: string | null }>(
      `SELECT customer_id, email, phone, first_name, last_name, consent_email AS consent, consents -> 'email' ->> 'source' AS source FROM customers c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = $1 ORDER BY email`, [this.tenant]);
  }
}

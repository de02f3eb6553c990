import { Customers, Suppressions } from '#customers';
import { Database } from '#database';
import { type Content, Delivery, encodeDeliveryId, type Mailing, type Receipt } from '#delivery';
import type { Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { startApp, type TestApp, type TestAppOptions } from './app.js';
import { eventually } from './eventually.js';
import { startSmtp, type TestSmtp } from './smtp.js';

let nextCampaignNo = 1000;

export const SENDER_ENV = { DEFAULT_FROM_EMAIL: 'hello@trattoria.example', DEFAULT_POSTAL_ADDRESS: '1 Main Street\nSpringfield' };

/** The application with its worker, and the mail server that it sends over. */
export async function startMailer(env: TestAppOptions['env'] = {}): Promise<{ app: TestApp; smtp: TestSmtp }> {
  const smtp = await startSmtp();
  const app = await startApp({ worker: true, env: { SMTP_URL: smtp.url, ...SENDER_ENV, ...env } });
  return { app, smtp };
}

/** Texts wait from 21:00 to 08:00, unless a tenant says otherwise: tests go on at any hour. */
export async function textAtAnyHour(app: TestApp, tenant: string): Promise<void> {
  expect((await app.api(['tenant_admin'], tenant).PATCH('/api/v1/marketing/settings', { body: { quiet_hours: { sms: null } } })).response.status).toBe(200);
}

export interface Person {
  id: string;
  email?: string | null;
  first_name?: string;
}

/** Starts mailings through delivery's door, as campaigns do, to a static segment of the given people. */
export class Mailings {
  private constructor(
    readonly app: TestApp,
    readonly tenant: Tenant,
  ) {}

  static async of(app: TestApp, tenantName = app.tenant): Promise<Mailings> {
    return new Mailings(app, await app.nest.get(Tenants).resolve(tenantName));
  }

  get delivery(): Delivery {
    return this.app.nest.get(Delivery);
  }

  inTenant<T>(work: Parameters<Database['inTenant']>[1]): Promise<T> {
    return this.app.nest.get(Database).inTenant(this.tenant, work) as Promise<T>;
  }

  /** @returns the people's customer numbers, in order */
  async people(people: readonly Person[]): Promise<number[]> {
    const customers = this.app.nest.get(Customers, { strict: false });
    return this.inTenant<number[]>(async (tx) => {
      const numbers: number[] = [];
      for (const { id, ...patch } of people) numbers.push(await customers.upsertOne(tx, this.tenant, id, patch));
      return numbers;
    });
  }

  /** Many people at once, with the addresses `guest<number>@example.com`. */
  async crowd(size: number): Promise<number[]> {
    const customers = this.app.nest.get(Customers, { strict: false });
    const ids = Array.from({ length: size }, (_, i) => `guest-${i}`);
    const numbers = await this.inTenant<Map<string, number>>((tx) => customers.ensure(tx, this.tenant, ids));
    await this.app.sql(`UPDATE customers SET email = 'guest' || customer_no || '@example.com' WHERE tenant_id = $1 AND customer_id = ANY ($2)`, [this.tenant.id, ids]);
    return [...numbers.values()];
  }

  async segment(customerNos: readonly number[]): Promise<number> {
    const [{ segment_no }] = (await this.app.sql<{ segment_no: number }>(
      `INSERT INTO segments (tenant_id, segment_id, name, type, created_at, updated_at) VALUES ($1, 'seg_' || gen_random_uuid(), 'Everybody', 'static', now(), now()) RETURNING segment_no`,
      [this.tenant.id],
    )) as [{ segment_no: number }];
    await this.app.sql('INSERT INTO segment_members (tenant_id, segment_no, customer_no) SELECT $1, $2, unnest($3::int[])', [this.tenant.id, segment_no, customerNos]);
    return segment_no;
  }

  /** The id of such a segment, for who goes through the API. */
  async segmentId(customerNos: readonly number[]): Promise<string> {
    const [row] = await this.app.sql<{ segment_id: string }>('SELECT segment_id FROM segments WHERE tenant_id = $1 AND segment_no = $2', [this.tenant.id, await this.segment(customerNos)]);
    return row!.segment_id;
  }

  async start(content: Content, customerNos: readonly number[], overrides: Partial<Mailing> = {}): Promise<Mailing> {
    const [mailing] = await this.startTogether(content, [{ to: customerNos, ...overrides }]);
    return mailing!;
  }

  /** Starts several in one transaction: no worker sees one of them without the others. */
  async startTogether(content: Content, wanted: readonly (Partial<Mailing> & { to: readonly number[] })[]): Promise<Mailing[]> {
    const mailings: Mailing[] = [];
    for (const { to, ...overrides } of wanted) mailings.push(await this.prepared(content, to, overrides));
    await this.inTenant(async (tx) => {
      for (const mailing of mailings) await this.delivery.start(tx, this.tenant, mailing);
    });
    return mailings;
  }

  private async prepared(content: Content, customerNos: readonly number[], overrides: Partial<Mailing>): Promise<Mailing> {
    const campaignNo = nextCampaignNo++;
    return {
      campaignId: `camp_test_${this.tenant.id}_${campaignNo}`,
      campaignNo,
      name: 'Flash Sale',
      type: 'promotion',
      channels: ['email'],
      segmentNo: await this.segment(customerNos),
      content,
      promoId: null,
      promoCode: null,
      endsAt: null,
      priority: 0,
      options: {},
      ...overrides,
    };
  }

  /** The same, and waits until everybody was written to. */
  async send(content: Content, customerNos: readonly number[], overrides: Partial<Mailing> = {}): Promise<Mailing> {
    const mailing = await this.start(content, customerNos, overrides);
    await this.finished(mailing);
    return mailing;
  }

  finished(mailing: Mailing): Promise<void> {
    return eventually(async () => expect(await this.state(mailing)).toBe('finished'));
  }

  ledger(mailing: Mailing): Promise<{ customer_no: number; status: string; reason: string | null; attempts: number; [column: string]: unknown }[]> {
    return this.app.sql('SELECT * FROM deliveries WHERE tenant_id = $1 AND campaign_no = $2 ORDER BY customer_no', [this.tenant.id, mailing.campaignNo]);
  }

  async state(mailing: Mailing): Promise<string> {
    const [row] = await this.app.sql<{ state: string }>('SELECT state FROM mailings WHERE tenant_id = $1 AND campaign_no = $2', [this.tenant.id, mailing.campaignNo]);
    return row!.state;
  }

  /** A provider's word on the customer's message, which names nothing but the delivery. */
  receive(mailing: Mailing, customerNo: number, type: Receipt['type']): Promise<string[]> {
    const deliveryId = encodeDeliveryId({ tenantId: this.tenant.id, campaignNo: mailing.campaignNo, customerNo, channel: 'email' });
    return this.inTenant((tx) => this.delivery.recordReceipts(tx, this.tenant, [{ type, deliveryId, at: this.app.clock.now() }]));
  }

  /** An address of that name which no other tenant has. */
  address(name: string): string {
    return `${name}-${this.tenant.name}@example.com`;
  }

  /** People of these names, each with the address of that name. @returns their customer numbers, in order */
  named(...names: string[]): Promise<number[]> {
    return this.people(names.map((id) => ({ id, email: this.address(id) })));
  }

  suppress(address: string, reason: 'hard_bounce' | 'complaint'): Promise<void> {
    const suppressions = this.app.nest.get(Suppressions, { strict: false });
    return this.inTenant((tx) => suppressions.add(tx, this.tenant, [{ channel: 'email', address, reason, at: this.app.clock.now() }]));
  }

  /** Waits until no row of the paused mailing is in a worker's hands. @returns how many were sent */
  async quiet(mailing: Mailing): Promise<number> {
    return eventually(async () => {
      const [row] = await this.app.sql<{ snapshot_done: boolean }>('SELECT snapshot_done FROM mailings WHERE tenant_id = $1 AND campaign_no = $2', [this.tenant.id, mailing.campaignNo]);
      const rows = await this.ledger(mailing);
      if (!row!.snapshot_done || rows.some(({ status }) => status === 'claimed' || status === 'calling')) throw new Error('still at work');
      return rows.filter(({ status }) => status === 'accepted').length;
    });
  }

  /** The counters, those at zero left out. */
  async counters(mailing: Mailing): Promise<Record<string, number>> {
    const [row] = await this.app.sql('SELECT * FROM mailing_counters WHERE tenant_id = $1 AND campaign_no = $2', [this.tenant.id, mailing.campaignNo]);
    const { tenant_id: _t, campaign_no: _c, ...metrics } = row!;
    return Object.fromEntries(Object.entries(metrics).map(([name, n]) => [name, Number(n)] as const).filter(([, n]) => n !== 0));
  }
}

export const CONTENT: Content = {
  subject: 'Flash Sale for {{ customer.first_name | default: "you" }}',
  body: 'Hello {{ customer.first_name | default: "there" }},\n\nour biggest sale: https://order.example.com/menu. Code {{ promo_code }}.',
  cta_text: 'Shop Now',
  cta_url: 'https://order.example.com?promo={{ promo_code }}',
};

import type pg from 'pg';
import { patiently } from './patience.js';

const CONTENT = {
  subject: 'Flash Sale for {{ customer.first_name | default: "you" }}',
  body: 'Hello {{ customer.first_name | default: "there" }},\n\nour biggest sale of the year: https://order.example.com/menu. See you soon!',
  cta_text: 'Shop Now',
  cta_url: 'https://order.example.com/?from=mail',
};

/** Guests with an email address and a phone number, who take messages on both. */
const GUESTS = `
  INSERT INTO customers (tenant_id, customer_no, customer_id, email, phone, first_name, last_name, consent_email, consent_sms, created_at, updated_at)
  SELECT $1, n, 'guest-' || n, 'guest' || n || '@' || $3 || '.example', '+4179' || lpad(n::text, 7, '0'), 'Ada', 'Guest', 'subscribed', 'subscribed', now(), now() FROM generate_series(1, $2::int) n`;

/** One of the ledger's rows, with its person. */
export interface LedgerRow {
  customer_no: number;
  email: string;
  phone: string;
  status: string;
  reason: string | null;
}

/** A tenant, and what its people do over the API. What the API does not tell is read from the tables. */
export class Account {
  constructor(
    private readonly sql: pg.Pool,
    private readonly apiUrl: string,
    private readonly who: { name: string; token: string; tenantId: number },
  ) {}

  get name(): string {
    return this.who.name;
  }

  get id(): number {
    return this.who.tenantId;
  }

  send(method: string, path: string, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.who.token}`, ...(body && { 'content-type': 'application/json' }) };
    return fetch(`${this.apiUrl}/api/v1/marketing${path}`, { method, headers, body: body && JSON.stringify(body) });
  }

  /** @throws with the answer when it is a refusal */
  async request<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await this.send(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as Answer;
  }

  /** Guests with the numbers 1 to `count`. */
  async crowd(count: number): Promise<void> {
    await this.sql.query(GUESTS, [this.id, count, this.name]);
    await this.sql.query('INSERT INTO customer_ordinals (tenant_id, next) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET next = excluded.next', [this.id, count + 1]);
    await this.sql.query('ANALYZE customers');
  }

  email(customerNo: number): string {
    return `guest${customerNo}@${this.name}.example`;
  }

  /** A static segment of everybody, or of those of whom the SQL is true. @returns its id */
  async segment(condition = 'true'): Promise<string> {
    const { rows } = await this.sql.query<{ segment_no: number; segment_id: string }>(
      `INSERT INTO segments (tenant_id, segment_id, name, type, created_at, updated_at) VALUES ($1, 'seg_' || gen_random_uuid(), 'Guests', 'static', now(), now()) RETURNING segment_no, segment_id`,
      [this.id],
    );
    const { segment_no, segment_id } = rows[0]!;
    await this.sql.query(`INSERT INTO segment_members (tenant_id, segment_no, customer_no) SELECT $1, $2, customer_no FROM customers WHERE tenant_id = $1 AND (${condition})`, [this.id, segment_no]);
    return segment_id;
  }

  /** @returns the id of a draft, to everybody unless it says otherwise */
  async draft(over: object = {}): Promise<string> {
    const segment_id = 'segment_id' in over ? undefined : await this.segment();
    return (await this.request<{ id: string }>('POST', '/campaigns', { name: 'Flash Sale', type: 'promotion', channels: ['email'], segment_id, content: CONTENT, ...over })).id;
  }

  /** @returns the id of a campaign that has begun */
  async campaign(over: object = {}): Promise<string> {
    const id = await this.draft(over);
    await this.request('POST', `/campaigns/${id}/start`);
    return id;
  }

  /** Waits until every recipient is accounted for. */
  finished(campaignId: string, seconds = 120): Promise<void> {
    return patiently(`the campaign ends`, seconds, async () => {
      const { rows } = await this.sql.query(`SELECT FROM mailings WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'finished'`, [this.id, campaignId]);
      return rows.length > 0;
    });
  }

  async ledger(campaignId: string): Promise<LedgerRow[]> {
    const { rows } = await this.sql.query<LedgerRow>(
      `SELECT customer_no, email, phone, status, reason FROM deliveries JOIN customers USING (tenant_id, customer_no)
        WHERE tenant_id = $1 AND campaign_no = (SELECT campaign_no FROM mailings WHERE tenant_id = $1 AND campaign_id = $2) ORDER BY customer_no`,
      [this.id, campaignId],
    );
    return rows;
  }
}

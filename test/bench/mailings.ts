import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.js';

/** As restaurants write: a name, a code, a link, a button. */
const CONTENT = {
  subject: 'Flash Sale for {{ customer.first_name | default: "you" }}',
  preheader: 'Twenty percent off tonight',
  body: 'Hello {{ customer.first_name | default: "there" }} {{ customer.last_name }},\n\nour biggest sale of the year: https://order.example.com/menu. Tonight every dish on the menu is a fifth cheaper, in {{ customer.city | default: "your city" }} and everywhere else.\n\nSee you soon!',
  cta_text: 'Shop Now',
  cta_url: 'https://order.example.com/?from=mail',
};

/** As a caller would. @throws with the answer when it is a refusal */
export async function request<Answer>({ api, token }: Bench, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${api.url}/api/v1/marketing${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as Answer;
}

/** A static segment of the first customers who take emails, or of everybody. @returns its id */
export async function segmentOf({ sql, tenantId }: Bench, size: number | 'everybody'): Promise<string> {
  const { rows: [made] } = await sql.query<{ segment_no: number; segment_id: string }>(
    `INSERT INTO segments (tenant_id, segment_id, name, type, created_at, updated_at) VALUES ($1, $2, 'Mailed', 'static', now(), now()) RETURNING segment_no, segment_id`, [tenantId, `seg_bench_${size}`]);
  const who = size === 'everybody' ? '' : `AND consent_email = 'subscribed' ORDER BY customer_no LIMIT ${size}`;
  await sql.query(`INSERT INTO segment_members (tenant_id, segment_no, customer_no) SELECT $1, $2, customer_no FROM customers WHERE tenant_id = $1 ${who}`, [tenantId, made!.segment_no]);
  await sql.query('VACUUM ANALYZE segment_members');
  return made!.segment_id;
}

/** @returns the campaign's id */
export const draft = async (bench: Bench, segment_id: string): Promise<string> =>
  (await request<{ id: string }>(bench, 'POST', '/campaigns', { name: 'Flash Sale', type: 'promotion', channels: ['email'], segment_id, content: CONTENT })).id;

export const start = (bench: Bench, id: string): Promise<unknown> => request(bench, 'POST', `/campaigns/${id}/start`);

/** Waits until the mailing is so. */
export async function until({ sql }: Bench, campaignId: string, condition: 'snapshot_done' | `state = 'finished'`, everyMs = 5): Promise<void> {
  for (;;) {
    const { rows } = await sql.query(`SELECT FROM mailings WHERE campaign_id = $1 AND ${condition}`, [campaignId]);
    if (rows.length > 0) return;
    await sleep(everyMs);
  }
}

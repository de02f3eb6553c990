import type { Bench, Duel } from './bench.js';

const DRAFT = {
  name: 'Flash Sale Friday',
  type: 'promotion',
  channels: ['push', 'email'],
  segment_id: 'seg_all_customers',
  content: { subject: 'Flash Sale - 25% Off Today Only!', body: "Don't miss our biggest sale of the season...", cta_text: 'Shop Now', cta_url: 'https://order.example.com?promo=FLASH25' },
};

/** A campaign written, against one row inserted into a table of the same columns with a primary key and nothing else; both durable. */
export async function campaignsCreate({ sql, api, token, bare }: Bench): Promise<Duel> {
  await sql.query('CREATE TABLE IF NOT EXISTS bare_campaigns (LIKE campaigns INCLUDING IDENTITY, PRIMARY KEY (tenant_id, campaign_no))');
  const request = { method: 'POST', body: JSON.stringify(DRAFT) } as const;
  const json = { 'content-type': 'application/json' };
  return {
    title: 'POST /campaigns',
    bar: 0.3,
    ours: { ...request, url: `${api.url}/api/v1/marketing/campaigns`, headers: { ...json, authorization: `Bearer ${token}` } },
    bare: { ...request, url: `${bare.url}/campaigns`, headers: json },
  };
}

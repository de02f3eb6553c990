import type { Bench, Figure } from './bench.js';
import { fight } from './duel.js';

const DRAFT = {
  name: 'Flash Sale Friday',
  type: 'promotion',
  channels: ['push', 'email'],
  segment_id: 'seg_all_customers',
  content: { subject: 'Flash Sale - 25% Off Today Only!', body: "Don't miss our biggest sale of the season...", cta_text: 'Shop Now', cta_url: 'https://order.example.com?promo=FLASH25' },
};

/** A campaign written, against the one row of it inserted into the same table, with its indexes and its count; both durable. */
export async function* campaignsCreate({ api, token, bare }: Bench): AsyncGenerator<Figure> {
  const request = { method: 'POST', body: JSON.stringify(DRAFT) } as const;
  const json = { 'content-type': 'application/json' };
  const duel = {
    title: 'POST /campaigns',
    bar: 0.3,
    ours: { ...request, url: `${api.url}/api/v1/marketing/campaigns`, headers: { ...json, authorization: `Bearer ${token}` } },
    bare: { ...request, url: `${bare.url}/campaigns`, headers: json },
  };
  yield await fight(duel);
}

import fc from 'fast-check';
import type { Content } from './content.js';
import { linkNumbers } from './links.js';
import { contentsSent, isInSample, linksOfAll, variantOf, Variants } from './variants.js';

const PEOPLE = 8_000;
const customers = Array.from({ length: PEOPLE }, (_, n) => n + 1);
const ids = (weights: readonly number[]) => weights.map((weight, at) => ({ id: `v${at}`, weight, content: {} }));

/** Of a draw with this chance, five standard deviations. */
const spread = (chance: number, of = PEOPLE): number => 5 * Math.sqrt(of * chance * (1 - chance)) + 1;

test('weights are kept to, whatever they and the campaign are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 10 }), fc.uuid(), (weights, campaign) => {
      const variants = ids(weights);
      const sum = weights.reduce((all, one) => all + one, 0);
      const drawn = Map.groupBy(customers, (no) => variantOf(campaign, no, variants).id);
      for (const { id, weight } of variants) expect(Math.abs((drawn.get(id)?.length ?? 0) - (PEOPLE * weight) / sum)).toBeLessThan(spread(weight / sum));
    }),
    { seed: 4, numRuns: 30 },
  );
});

test('the variant is the same each time, another campaign’s tells nothing of it, and neither does being in the sample', () => {
  const variants = ids([1, 1]);
  const first = (campaign: string) => (no: number) => variantOf(campaign, no, variants).id === 'v0';
  const mine = customers.filter(first('camp_1'));
  expect(customers.filter(first('camp_1'))).toEqual(mine);
  expect(Math.abs(mine.filter(first('camp_2')).length - mine.length / 2)).toBeLessThan(spread(0.5, mine.length));
  const sampled = mine.filter((no) => isInSample('camp_1', no, { sample_percent: 20, metric: 'opened', wait_minutes: 1 }));
  expect(Math.abs(sampled.length - mine.length / 5)).toBeLessThan(spread(0.2, mine.length));
});

describe('what variants say', () => {
  const content: Content = { subject: 'Sale', body: 'https://a.example', cta_url: 'https://b.example', locales: { de: { body: 'https://c.example' } } };
  const variants = [
    { id: 'a', weight: 1, content: {} },
    { id: 'b', weight: 1, content: { subject: 'Now', cta_url: null, locales: { de: { subject: 'Jetzt' } } } },
    { id: 'c', weight: 1, content: { body: 'https://d.example', locales: null } },
  ];

  test('is the content with their changes; null removes', () => {
    expect(contentsSent(content, variants).map((sent) => [sent.pointer, sent.content])).toEqual([
      ['/variants/0/content', content],
      ['/variants/1/content', { subject: 'Now', body: 'https://a.example', locales: { de: { subject: 'Jetzt', body: 'https://c.example' } } }],
      ['/variants/2/content', { subject: 'Sale', body: 'https://d.example', cta_url: 'https://b.example' }],
    ]);
    expect(contentsSent(null).map((sent) => [sent.pointer, sent.content])).toEqual([['/content', {}]]);
  });

  test('has each link under one number, the mailing’s', () => {
    const urls = linksOfAll(content, variants);
    expect([...urls].sort()).toEqual(['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example']);
    const known = new Variants({ campaign_id: 'camp_1', content, options: { variants } }, null);
    for (const { id } of variants) expect([...linkNumbers(known.content(id))]).toEqual(urls.map((url, at) => [url, at]));
  });
});

import fc from 'fast-check';
import { utmOf, withUtm } from './utm.js';

const UTM = { source: 'newsletter', medium: 'email', campaign: 'Été & 50 % #1' };
const ADDED = 'utm_source=newsletter&utm_medium=email&utm_campaign=%C3%89t%C3%A9%20%26%2050%20%25%20%231';

test.each([
  ['https://x.example', `https://x.example?${ADDED}`],
  ['https://x.example/', `https://x.example/?${ADDED}`],
  ['https://x.example/a?', `https://x.example/a?${ADDED}`],
  ['https://x.example/a?b=1', `https://x.example/a?b=1&${ADDED}`],
  ['https://x.example/a?b=1&', `https://x.example/a?b=1&${ADDED}`],
  ['https://x.example/a?b=%2f+c;d#top', `https://x.example/a?b=%2f+c;d&${ADDED}#top`],
  ['https://x.example/#/menu?x=1', `https://x.example/?${ADDED}#/menu?x=1`],
  ['https://x.example/a?UTM_Source=shop&utm_medium=&utm_campaign', 'https://x.example/a?UTM_Source=shop&utm_medium=&utm_campaign'],
])('%s', (url, expected) => expect(withUtm(url, UTM)).toBe(expected));

test('every URL keeps its path, query and fragment, and gets each parameter once', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((some) => some.toWellFormed());
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.record({ source: text, medium: text, term: text }, { requiredKeys: [] }), (url, utm) => {
      const [before, after] = [new URL(url), new URL(withUtm(url, utm))];
      expect([after.origin, after.pathname, after.hash]).toEqual([before.origin, before.pathname, before.hash]);
      expect(after.search.startsWith(before.search)).toBe(true);
      for (const [name, value] of Object.entries(utm)) expect(after.searchParams.getAll(`utm_${name}`)).toEqual([value]);
      expect(withUtm(withUtm(url, utm), utm)).toBe(withUtm(url, utm));
    }),
  );
});

test('the channel is the medium and the campaign’s id its name, unless the tenant names others', () => {
  expect(utmOf({ campaign_id: 'camp_1', options: {} }, 'sms')).toBeNull();
  expect(utmOf({ campaign_id: 'camp_1', options: { utm: { source: 'shop' } } }, 'sms')).toEqual({ source: 'shop', medium: 'sms', campaign: 'camp_1' });
  expect(utmOf({ campaign_id: 'camp_1', options: { utm: { medium: 'text' } } }, 'sms')).toEqual({ medium: 'text', campaign: 'camp_1' });
});

import type { Content, Mailing } from '#delivery';
import type { TestApp } from './support/app.js';
import { compiledLayout, TARGET } from './layout/layout.js';
import { readFile } from 'node:fs/promises';
import { eventually } from './support/eventually.js';
import { Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { stallOnce } from './support/stall.js';
import { newTenant } from './support/tokens.js';

const BASE = '/api/v1/marketing';
const CAMPAIGNS = `${BASE}/campaigns`;
const ONE = `${CAMPAIGNS}/{campaign_id}` as const;
const BROWSER = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36' };

describe('what an email says', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;

  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => void (mailings = await Mailings.of(app, newTenant())));

  const api = () => app.api(['marketing', 'tenant_admin'], mailings.tenant.name);
  const mailTo = (name: string) => smtp.mailTo(mailings.address(name));
  const speaker = async (name: string, locale: string | null) => {
    const { error } = await api().PUT(`${BASE}/customers/{customer_id}`, { params: { path: { customer_id: name } }, body: { email: mailings.address(name), locale } });
    expect(error).toBeUndefined();
  };
  const speakers = async (people: Record<string, string | null>): Promise<number[]> => {
    const numbers = await mailings.named(...Object.keys(people));
    for (const [name, locale] of Object.entries(people)) await speaker(name, locale);
    return numbers;
  };
  /** To everybody of the tenant, over HTTP from the first to the last. */
  const campaign = async (more: object, size: number): Promise<string> => {
    await eventually(async () => expect((await api().GET(`${BASE}/segments/{segment_id}`, { params: { path: { segment_id: 'seg_all_customers' } } })).data).toMatchObject({ size }), { within: 20_000 });
    const { data, error } = await api().POST(CAMPAIGNS, { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', ...more } as never });
    expect(error).toBeUndefined();
    const path = { params: { path: { campaign_id: data!.id } } };
    expect((await api().POST(`${ONE}/start`, path)).error).toBeUndefined();
    await eventually(async () => expect((await api().GET(ONE, path)).data).toMatchObject({ status: 'completed', metrics: { sent: size } }), { within: 20_000 });
    return data!.id;
  };
  const links = (html: string | false | undefined) => [...String(html).matchAll(/href="([^"]+)"/g)].map(([, url]) => url!.replaceAll('&amp;', '&'));
  const follow = async (url: string) => (await app.fetch(new URL(url).pathname, { token: '', redirect: 'manual', headers: BROWSER })).headers.get('location');

  test('the layout that runs is the one that is written', async () => {
    expect(await readFile(TARGET, 'utf8')).toBe(await compiledLayout());
  });

  test('what a customer is called is text, whatever it says: no link of ours leads where their data says', async () => {
    const { error } = await api().PUT(`${BASE}/customers/{customer_id}`, { params: { path: { customer_id: 'eve' } }, body: { email: mailings.address('eve'), first_name: 'https://evil.example/phish', city: '42' } });
    expect(error).toBeUndefined();
    await campaign({ content: { subject: 'Hello', body: 'Hello {{ customer.first_name }}, see https://order.example.com/{{ customer.city }} and https://order.example.com/menu.' } }, 1);
    const { html, text } = await smtp.mailTo(mailings.address('eve'));
    expect(String(html)).toContain('https://evil.example/phish');
    expect(links(html).filter((url) => url.includes('evil'))).toEqual([]);
    expect(links(html)).toContain('https://order.example.com/42');
    expect(text).toContain('https://evil.example/phish');
  });

  test('a machine that stands still for a moment while a message is written is nobody’s refusal', async () => {
    const customers = await speakers({ ada: null });
    const stalled = stallOnce();
    try {
      expect((await api().POST(CAMPAIGNS, { body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'Hello', body: 'Words.' } } })).error).toBeUndefined();
    } finally {
      expect(stalled()).toBe(true);
    }
    const stalledAgain = stallOnce();
    try {
      expect(await mailings.ledger(await mailings.send({ subject: 'Hello', body: 'Words.' }, customers))).toMatchObject([{ status: 'accepted', reason: null }]);
    } finally {
      expect(stalledAgain()).toBe(true);
    }
  });

  test('a preheader comes first, out of sight, and is not in the text part', async () => {
    await speakers({ ada: null });
    await campaign({ content: { subject: 'Hello', preheader: 'For {{ customer.customer_id }} & <friends>', body: 'First words.' } }, 1);
    const { html, text } = await mailTo('ada');
    expect(html).toMatch(/<div style="display:none;[^"]*mso-hide:all">For ada &amp; &lt;friends&gt;(&#847;&zwnj;&nbsp;){70}<\/div>/);
    expect(String(html).indexOf('For ada')).toBeLessThan(String(html).indexOf('First words.'));
    expect(text).not.toContain('For ada');
    expect(html).toMatch(/<meta name="color-scheme" content="light dark">[\s\S]*<body/);
    expect(html).not.toMatch(/\{\{|\{%|undefined/);
  });

  test('without one, and without a button and a name, nothing is left in their place', async () => {
    const [ada] = await mailings.named('ada');
    await mailings.send({ subject: 'Hello', body: 'First words.' }, [ada!]);
    const { html } = await mailTo('ada');
    expect(html).not.toMatch(/display:none|class="button"|\{\{|\{%|undefined/);
  });

  test('each gets their language: its own tag, then the one it narrows, then what serves everybody', async () => {
    await speakers({ ada: 'en-GB', bea: 'de-AT', cem: 'de-CH', dov: 'he', eva: null, fee: 'fr' });
    const content = {
      subject: 'Hello', body: 'Welcome', cta_text: 'Order', cta_url: 'https://x.example/en', email: { subject: 'Hello by email' },
      locales: { de: { subject: 'Hallo', body: 'Willkommen', cta_url: 'https://x.example/de' }, 'de-CH': { subject: 'Grüezi' }, he: { subject: 'שלום', body: 'ברוכים הבאים' } },
    };
    await campaign({ content }, 6);
    const seen = async (name: string) => {
      const { subject, html, text } = await mailTo(name);
      const [, lang, dir] = /^<!doctype html><html lang="([^"]+)" dir="(\w+)"/.exec(String(html))!;
      return [subject, lang, dir, /^(.*)\n/.exec(text!)![1], /(\S+): http\S+\s*$/.exec(text!)![1]];
    };
    expect(await seen('ada')).toEqual(['Hello by email', 'en', 'ltr', 'Welcome', 'Unsubscribe']);
    expect(await seen('bea')).toEqual(['Hallo', 'de', 'ltr', 'Willkommen', 'Abmelden']);
    expect(await seen('cem')).toEqual(['Grüezi', 'de-CH', 'ltr', 'Welcome', 'Abmelden']);
    expect(await seen('dov')).toEqual(['שלום', 'he', 'rtl', 'ברוכים הבאים', 'Unsubscribe']);
    expect(await seen('eva')).toEqual(['Hello by email', 'en', 'ltr', 'Welcome', 'Unsubscribe']);
    expect(await seen('fee')).toEqual(['Hello by email', 'en', 'ltr', 'Welcome', 'Unsubscribe']);
    const button = async (name: string) => follow(links((await mailTo(name)).html)[0]!);
    expect([await button('ada'), await button('bea'), await button('dov')]).toEqual(['https://x.example/en', 'https://x.example/de', 'https://x.example/en']);
  });

  test('links carry where the visit came from: in the body, the button, and what a template makes; once', async () => {
    await speakers({ ada: null });
    const body = 'Menu: https://x.example/menu?a=1#top and https://x.example/{{ customer.customer_id }}/map, or https://x.example/?utm_source=own. Or {{ unsubscribe_url }}';
    const id = await campaign({ content: { subject: 'Hello', body, cta_text: 'Go', cta_url: 'https://x.example/order?for={{ customer.customer_id }}' }, utm: { source: 'news letter' } }, 1);
    const utm = `utm_source=news%20letter&utm_medium=email&utm_campaign=${id}`;
    const { html, text } = await mailTo('ada');
    const [menu, made, own, left, button, unsubscribe] = links(html);
    expect(await follow(menu!)).toBe(`https://x.example/menu?a=1&${utm}#top`);
    expect(made).toBe(`https://x.example/ada/map?${utm}`);
    expect(await follow(own!)).toBe(`https://x.example/?utm_source=own&utm_medium=email&utm_campaign=${id}`);
    expect(left).toBe(unsubscribe);
    expect(await follow(button!)).toBe(`https://x.example/order?for=ada&${utm}`);
    expect(text).toContain(`https://x.example/ada/map?${utm}`);
  });

  test('what is too large for a mail program is refused, and where it becomes so for a recipient, told of the message', async () => {
    const draft = (content: object, channels = ['email']) => api().POST(CAMPAIGNS, { body: { name: 'Sale', type: 'promotion', channels, segment_id: 'seg_all_customers', content } as never });
    const large = '&'.repeat(25_000);
    expect((await draft({ subject: 'Hello', body: large })).error).toMatchObject({ status: 400, errors: [{ pointer: '/content/body', code: 'email_too_large' }] });
    expect((await draft({ subject: 'Hello', body: 'x', locales: { de: { email: { body: '{% for i in (1..700) %}https://x.example/a https://x.example/b {% endfor %}' } } } })).error).toMatchObject({ errors: [{ pointer: '/content/locales/de/email/body', code: 'email_too_large' }] });
    expect((await draft({ subject: 'Hello', body: large }, ['push'])).error).toBeUndefined();
    expect((await draft({ subject: 'Hello', body: 'x'.repeat(90_000) })).error).toBeUndefined();
    const [ada] = await mailings.named('ada');
    const mailing: Mailing = await mailings.send({ subject: 'Hello', body: '{% if customer.customer_id %}{% for i in (1..3000) %}&&&&&&&&&{% endfor %}{% endif %}' }, [ada!]);
    expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'rejected', reason: 'email_too_large' }]);
  });

  test('languages and parameters are written, merged, removed, copied, and judged', async () => {
    const { data } = await api().POST(CAMPAIGNS, {
      body: { name: 'Sale', type: 'promotion', channels: ['email'], segment_id: 'seg_all_customers', content: { subject: 'a', locales: { de: { subject: 'b' }, get: { subject: 'c' } } }, utm: { source: ' shop ', term: 'x' } },
    });
    const path = { params: { path: { campaign_id: data!.id } } };
    expect(data).toMatchObject({ content: { subject: 'a', locales: { de: { subject: 'b' }, get: { subject: 'c' } } }, utm: { source: 'shop', term: 'x' } });
    const patched = await api().PATCH(ONE, { ...path, body: { content: { locales: { de: { body: 'd' }, get: null } }, utm: { term: null } } as never });
    expect(patched.data).toMatchObject({ content: { subject: 'a', locales: { de: { subject: 'b', body: 'd' } } }, utm: { source: 'shop' } });
    expect(Object.keys((patched.data!.content as Content).locales!)).toEqual(['de']);
    const copy = await api().POST(`${ONE}/duplicate`, path);
    expect(copy.data).toMatchObject({ content: patched.data!.content as object, utm: { source: 'shop' } });
    const faults = async (body: object) => ((await api().PATCH(ONE, { ...path, body: body as never })).error as { errors?: { pointer: string; code: string }[] } | undefined)?.errors?.map(({ pointer, code }) => [pointer, code]);
    expect(await faults({ content: { locales: { de: { subject: 1, nonsense: 1, email: { body: {} } } } } })).toEqual(expect.arrayContaining([
      ['/content/locales/de/nonsense', 'unknown_property'], ['/content/locales/de/subject', 'is_string'], ['/content/locales/de/email/body', 'is_string'],
    ]));
    expect(await faults({ content: { locales: { de: { locales: {} } } } })).toEqual([['/content/locales/de/locales', 'unknown_property']]);
    expect(await faults({ content: { locales: { 'not a tag': { subject: 'x' } } } })).toEqual([['/content/locales', 'is_locale_map']]);
    expect(await faults({ content: { locales: { DE: {}, de: {} } } })).toEqual([['/content/locales', 'is_locale_map']]);
    for (const locales of [[], 'x', 1, [{ subject: 'x' }]]) expect((await faults({ content: { locales } }))![0]![0]).toBe('/content/locales');
    expect(await faults({ content: { locales: { de: 'x' } } })).toEqual([['/content/locales/de', expect.any(String)]]);
    expect(await faults({ content: { locales: { de: { body: '{{ x' } } } })).toEqual([['/content/locales/de/body', 'invalid_template']]);
    expect(await faults({ utm: { source: 'a\nb' } })).toEqual([['/utm/source', expect.any(String)]]);
    expect((await api().PATCH(ONE, { ...path, body: { content: { body: 'x', locales: { de: { body: ' ' } } }, utm: null } as never })).data).toMatchObject({ utm: null });
    expect((await api().POST(`${ONE}/start`, path)).error).toMatchObject({ code: 'invalid_state', errors: [{ pointer: '/content/locales/de/body' }] });
  });
});

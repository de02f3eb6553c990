import { randomUUID } from 'node:crypto';
import type { Mailing } from '#delivery';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const BROWSER = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36' };

describe('the links of an email', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let mailing: Mailing;
  let customerNo: number;
  /** Paths of the email's own links. */
  let pixel: string, button: string, menu: string, unsubscribe: string, honeypot: string;

  const get = (path: string, headers: Record<string, string> = BROWSER, method = 'GET') => app.fetch(path, { token: '', redirect: 'manual', method, headers });

  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    const email = `${mailings.tenant.name}@example.com`;
    [customerNo] = (await mailings.people([{ id: 'ada', email }])) as [number];
    mailing = await mailings.send(CONTENT, [customerNo], { promoCode: 'FLASH25' });
    const mail = await smtp.mailTo(email);
    const hrefs = [...String(mail.html).matchAll(/(?:href|src)="http:\/\/127\.0\.0\.1:3000(\/t\/[^"]+)"/g)].map(([, path]) => path!);
    [menu, button, unsubscribe, pixel, honeypot] = hrefs as [string, string, string, string, string];
  });

  const delivery = async () => (await mailings.ledger(mailing))[0]!;

  test('the pixel is a GIF nobody may keep, and an open', async () => {
    const response = await get(pixel);
    expect(response.status).toBe(200);
    expect(pixel).toMatch(/^\/t\/o\/[\w-]+\.gif$/);
    expect(response.headers.get('content-type')).toBe('image/gif');
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(Buffer.from(await response.arrayBuffer()).subarray(0, 6).toString()).toBe('GIF89a');
    expect(await delivery()).toMatchObject({ opened_at: expect.any(Date), clicked_at: null });
    await get(pixel);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, opened: 1 });
  });

  test('a link leads where the campaign said, with its variables, and is a click', async () => {
    const response = await get(button);
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://order.example.com/?promo=FLASH25']);
    expect((await get(menu)).headers.get('location')).toBe('https://order.example.com/menu');
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, opened: 1, clicked: 1 });
  });

  test('a link in any script leads where it says', async () => {
    const email = `anna-${mailings.tenant.name}@example.com`;
    await mailings.send({ subject: 'Hi', body: 'See https://shop.example.com/меню today', cta_text: 'Go', cta_url: 'https://bücher.example/a→b' }, await mailings.people([{ id: 'anna', email }]));
    const hrefs = [...String((await smtp.mailTo(email)).html).matchAll(/href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[^"]+)"/g)].map(([, path]) => path!);
    const targets = await Promise.all(hrefs.slice(0, 2).map(async (path) => (await get(path)).headers.get('location')));
    expect(targets.sort()).toEqual(['https://shop.example.com/%D0%BC%D0%B5%D0%BD%D1%8E', 'https://xn--bcher-kva.example/a%E2%86%92b']);
  });

  test('a link whose template fails for the recipient leads to the fixed part of it', async () => {
    const email = `${mailings.tenant.name}-2@example.com`;
    const people = await mailings.people([{ id: 'grace', email }]);
    const failing = { subject: 'Hello', body: 'Hello', cta_text: 'Go', cta_url: 'https://order.example.com/go?to={% for i in (1..3000000) %}aaaa{% endfor %}' };
    const other = await mailings.send(failing, people);
    const [, path] = /href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[^"]+)"/.exec(String((await smtp.mailTo(email)).html))!;
    const response = await get(path!);
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://order.example.com/go?to=']);
    expect(await mailings.counters(other)).toMatchObject({ clicked: 1 });
  });

  test('machines are led there too, kept, and not counted as people', async () => {
    for (const agent of ['Mozilla/5.0 (via ggpht.com GoogleImageProxy)', 'Googlebot/2.1', 'curl/8.0', 'Mozilla/5.0']) expect((await get(pixel, { 'user-agent': agent })).status).toBe(200);
    expect((await get(button, BROWSER, 'HEAD')).status).toBe(302);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, machine_opened: 1 });
    expect(await delivery()).toMatchObject({ machine_opened_at: expect.any(Date), opened_at: null, clicked_at: null });
    const [{ hits }] = (await app.sql<{ hits: number }>('SELECT count(*)::int AS hits FROM delivery_hits WHERE tenant_id = $1 AND machine', [mailings.tenant.id])) as [{ hits: number }];
    expect(hits).toBe(5);
  });

  test.each([['sec-purpose', 'prefetch;prerender'], ['purpose', 'prefetch'], ['x-moz', 'prefetch'], ['x-purpose', 'preview']])('a browser that looks ahead was asked by nobody: %s: %s', async (name, value) => {
    for (const path of [pixel, button]) expect((await get(path, { ...BROWSER, [name]: value })).status).toBeLessThan(400);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, machine_opened: 1 });
    await get(button, { ...BROWSER, 'sec-purpose': '' });
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, machine_opened: 1, opened: 1, clicked: 1 });
  });

  describe('a scanner that says it is a browser', () => {
    /** Asks as somebody does at that moment, so many milliseconds after the message was sent. */
    const at = async (ms: number, ...paths: string[]) => {
      vi.spyOn(app.clock, 'now').mockReturnValue(new Date(sent + ms));
      const answers = await Promise.all(paths.map((path) => get(path)));
      return answers.map(({ headers }) => headers.get('location'));
    };
    const links = async () => {
      const { data } = await app.api(['tenant_admin'], mailings.tenant.name).GET('/api/v1/marketing/campaigns/{campaign_id}/links', { params: { path: { campaign_id: mailing.campaignId } } });
      return data!.data.map(({ clicks, customers, machine_clicks }) => [clicks, customers, machine_clicks]);
    };
    let sent: number;
    beforeEach(() => void (sent = app.clock.now().getTime() + 60_000));
    afterEach(() => void vi.restoreAllMocks());

    test('and follows three links of a message at once was no person from its first one on; who clicks later is', async () => {
      const email = `${mailings.tenant.name}-3@example.com`;
      const body = ['menu', 'wine', 'events'].map((page) => `https://order.example.com/${page}`).join('\n');
      mailing = await mailings.send({ ...CONTENT, body }, await mailings.people([{ id: 'grace', email }]));
      const [one, two, three] = [...String((await smtp.mailTo(email)).html).matchAll(/href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[^"]+)"/g)].map(([, path]) => path!) as [string, string, string];
      const [open] = /\/t\/o\/[\w-]+\.gif/.exec(String((await smtp.mailTo(email)).html))!;
      await at(0, one, two);
      expect([await mailings.counters(mailing), await links()]).toEqual([{ sent: 1, delivered: 1, opened: 1, clicked: 1 }, [[0, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]]]);
      await at(1_900, three, open);
      expect(await delivery()).toMatchObject({ opened_at: null, clicked_at: null, machine_opened_at: new Date(sent) });
      expect([await mailings.counters(mailing), await links()]).toEqual([{ sent: 1, delivered: 1, machine_opened: 1 }, [[0, 0, 0], [1, 1, 0], [1, 1, 0], [1, 1, 0]].map(([clicks]) => [0, 0, clicks])]);
      await at(60_000, two);
      expect(await delivery()).toMatchObject({ opened_at: new Date(sent + 60_000), clicked_at: new Date(sent + 60_000) });
      expect((await links())[2]).toEqual([1, 1, 1]);
    });

    test('and follows the link that no person sees was none; what somebody did before it stays theirs', async () => {
      const html = String((await smtp.mailTo(`${mailings.tenant.name}@example.com`)).html);
      expect(html).toMatch(/<div aria-hidden="true" style="display:none;[^"]*mso-hide:all"><a href="http:\/\/127\.0\.0\.1:3000\/t\/c\/[\w-]+" rel="nofollow" tabindex="-1">&nbsp;<\/a><\/div>/);
      await at(0, pixel);
      await at(60_000, button, pixel);
      expect(await at(63_000, honeypot, menu)).toEqual(['https://order.example.com/?promo=FLASH25', 'https://order.example.com/menu']);
      expect(await delivery()).toMatchObject({ opened_at: new Date(sent), clicked_at: null, machine_opened_at: new Date(sent + 60_000) });
      expect([await mailings.counters(mailing), await links()]).toEqual([{ sent: 1, delivered: 1, opened: 1, machine_opened: 1 }, [[0, 0, 1], [0, 0, 1]]]);
    });

    test('brought no order', async () => {
      await at(0, button, menu);
      vi.restoreAllMocks();
      app.clock.advance(180_000);
      const api = app.api(['tenant_admin'], mailings.tenant.name);
      const order = { id: randomUUID(), type: 'order_completed', customer_id: 'ada', occurred_at: new Date(sent + 5_000).toISOString(), order: { id: randomUUID(), total: 10, items: [] } };
      expect((await api.POST('/api/v1/marketing/events', { body: { events: [order] } as never })).data).toMatchObject({ accepted: 1 });
      await eventually(async () => expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, opened: 1, clicked: 1, converted: 1, revenue: 1_000 }));
      await at(4_000, honeypot);
      await eventually(async () => expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, machine_opened: 1 }));
    });
  });

  test('a token that is not ours, letter by letter, leads nowhere', async () => {
    const token = button.slice('/t/c/'.length);
    const forged = [token.slice(0, -1) + (token.endsWith('A') ? 'E' : 'A'), (token.startsWith('A') ? 'B' : 'C') + token.slice(1), token.slice(0, 20), 'x', '%20', 'https:%2F%2Fevil.example', 'A'.repeat(3_000)];
    for (const kind of ['c', 'o', 'u']) {
      for (const path of forged) expect([kind, path, (await get(`/t/${kind}/${path}`)).status]).toEqual([kind, path, 404]);
    }
    expect((await get(`/t/u/${token}`)).status).toBe(404); // a click's token unsubscribes nobody
    expect((await get(`/t/o/${unsubscribe.slice('/t/u/'.length)}.gif`)).status).toBe(404);
    expect((await get(`/t/u/${token}`, BROWSER, 'POST')).status).toBe(404);
  });

  test('GET asks and changes nothing, POST unsubscribes, once', async () => {
    const asked = await get(unsubscribe);
    expect(asked.status).toBe(200);
    expect(asked.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await asked.text();
    expect(html).toMatch(/<html lang="en" dir="ltr">[\s\S]*<main>[\s\S]*<h1>[\s\S]*<form method="post">(<input type="hidden"[^>]*>)+<button type="submit">/);
    expect(html).not.toMatch(/<script|<fieldset|https?:/);
    expect(Object.fromEntries(['cache-control', 'referrer-policy', 'content-security-policy'].map((name) => [name, asked.headers.get(name)]))).toEqual({
      'cache-control': 'no-store, private', 'referrer-policy': 'no-referrer', 'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/),
    });
    const consent = async () => (await app.sql<{ consent_email: string }>('SELECT consent_email FROM customers WHERE tenant_id = $1 AND customer_no = $2', [mailings.tenant.id, customerNo]))[0]!.consent_email;
    expect(await consent()).toBe('unknown');

    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', 'application/json', 'text/csv', 'nonsense', '', undefined]) {
      for (const body of ['List-Unsubscribe=One-Click', undefined]) {
        // Bytes and not a text, which fetch would name a type for.
        const done = await app.fetch(unsubscribe, { method: 'POST', token: '', headers: type === undefined ? {} : { 'content-type': type }, body: body && Buffer.from(body) });
        expect([type, body, done.status, await done.text()]).toEqual([type, body, 200, expect.stringContaining('You are unsubscribed')]);
      }
    }
    expect((await app.fetch(unsubscribe, { method: 'POST', token: '', headers: { 'content-encoding': 'gzip' }, body: Buffer.from('x') })).status).toBe(200);
    expect((await app.fetch(unsubscribe, { method: 'POST', token: '', body: Buffer.alloc(100_000) })).status).toBe(413);
    expect(await consent()).toBe('unsubscribed');
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, unsubscribed: 1 });
    const [{ n }] = (await app.sql<{ n: number }>('SELECT count(*)::int AS n FROM suppressions WHERE tenant_id = $1', [mailings.tenant.id])) as [{ n: number }];
    expect(n).toBe(1);

    const again = await mailings.send(CONTENT, [customerNo]);
    expect((await mailings.ledger(again))[0]).toMatchObject({ status: 'skipped', reason: 'no_consent' });
  });

  describe('who hears over several channels chooses', () => {
    const api = () => app.api(['tenant_admin'], mailings.tenant.name);
    const path = { params: { path: { customer_id: 'ada' } } };
    const consents = async () => {
      const { data } = await api().GET('/api/v1/marketing/customers/{customer_id}', path);
      return Object.fromEntries(Object.entries(data!.consents).map(([channel, consent]) => [channel, consent.status]));
    };
    const post = async (form: [string, string][], headers = {}) => {
      const response = await app.fetch(unsubscribe, { method: 'POST', token: '', body: new URLSearchParams(form), headers });
      return [response.status, /<h1>(.*)<\/h1>/.exec(await response.text())![1]];
    };
    beforeEach(async () => {
      const body = { phone: '+41791234567', locale: 'de-CH', consents: { sms: { status: 'subscribed' as const } } };
      expect((await api().PUT('/api/v1/marketing/customers/{customer_id}', { ...path, body })).error).toBeUndefined();
    });

    test('on a page in their language, each choice with its label', async () => {
      const html = await (await get(unsubscribe)).text();
      expect(html).toMatch(/<html lang="de" dir="ltr">[\s\S]*<fieldset><legend>Was sollen wir nicht mehr senden\?<\/legend>/);
      expect([...html.matchAll(/<label for="(\S+)"><input type="checkbox" id="(\S+)" name="stop" value="(\w+)"( checked)?>([^<]+)</g)].map(([, ...found]) => found)).toEqual([
        ['stop-email', 'stop-email', 'email', ' checked', 'E-Mails'], ['stop-sms', 'stop-sms', 'sms', undefined, 'SMS'],
      ]);
    });

    test('what to stop, and the rest goes on', async () => {
      expect(await post([['chosen', '1'], ['stop', 'sms'], ['stop', 'fax']])).toEqual([200, 'Sie sind abgemeldet']);
      expect(await consents()).toMatchObject({ email: 'unknown', sms: 'unsubscribed' });
      expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1 });
      expect(await (await get(unsubscribe)).text()).not.toContain('<fieldset');
      expect(await post([['chosen', '1'], ['stop', 'email']])).toEqual([200, 'Sie sind abgemeldet']);
      expect(await consents()).toMatchObject({ email: 'unsubscribed', sms: 'unsubscribed' });
      expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, unsubscribed: 1 });
    });

    test('nothing, and nothing changes', async () => {
      expect(await post([['chosen', '1']])).toEqual([200, 'Abmelden?']);
      expect(await consents()).toMatchObject({ email: 'unknown', sms: 'subscribed' });
    });

    test('nothing by a mail client’s own button: it stops the message’s channel', async () => {
      expect(await post([['List-Unsubscribe', 'One-Click']])).toEqual([200, 'Sie sind abgemeldet']);
      expect(await consents()).toMatchObject({ email: 'unsubscribed', sms: 'subscribed' });
    });

    test('in the browser’s language once nobody knows theirs', async () => {
      expect((await api().DELETE('/api/v1/marketing/customers/{customer_id}', path)).response.status).toBe(204);
      expect(await post([['chosen', '1'], ['stop', 'email'], ['stop', 'sms']], { 'accept-language': 'xx, fr-CH;q=0.9, en' })).toEqual([200, 'Vous êtes désabonné']);
    });
  });
});

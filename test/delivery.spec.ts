import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

describe('sending a mailing', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;

  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    smtp.recipients.length = 0;
    smtp.refuse = smtp.refuseText = smtp.beforeReply = undefined;
  });

  test('everybody of the segment gets one email, and the ledger says so', async () => {
    const people = Array.from({ length: 250 }, (_, i) => ({ id: `c-${i}`, email: `guest${i}@example.com`, first_name: 'Ada' }));
    const mailing = await mailings.send(CONTENT, await mailings.people(people), { promoCode: 'FLASH25' });
    expect([...smtp.recipients].sort()).toEqual(people.map(({ email }) => email).sort());
    const rows = await mailings.ledger(mailing);
    expect(rows).toHaveLength(250);
    for (const row of rows) expect(row).toMatchObject({ status: 'accepted', attempts: 1, provider: 'smtp', accepted_at: expect.any(Date), delivered_at: expect.any(Date) });
    expect(await mailings.counters(mailing)).toEqual({ sent: 250, delivered: 250 });
  });

  test('the email is one that mail clients and the law accept', async () => {
    const [ada] = await mailings.people([{ id: 'ada', email: 'ada@example.com', first_name: '<b>Ada</b>\r\nBcc: evil@example.com' }]);
    await mailings.send(CONTENT, [ada!], { promoCode: 'FLASH25' });
    const mail = await smtp.mailTo('ada@example.com');
    expect(mail.subject).toBe('Flash Sale for <b>Ada</b> Bcc: evil@example.com');
    expect(mail.headers.has('bcc')).toBe(false);
    expect(mail.from?.value[0]?.address).toBe('hello@trattoria.example');
    expect(mail.messageId).toMatch(/^<dlv_[0-9a-z]{21}@trattoria\.example>$/);
    expect(mail.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line).toMatch(/<http:\/\/127\.0\.0\.1:3000\/t\/u\/[\w-]+>/);
    expect(mail.headers.get('list-unsubscribe-post') ?? mail.headerLines.find(({ key }) => key === 'list-unsubscribe-post')?.line).toMatch(/List-Unsubscribe=One-Click/);
    expect(mail.html).toContain('&lt;b&gt;Ada&lt;/b&gt;');
    expect(mail.html).not.toContain('<b>Ada');
    expect(mail.html).toMatch(/>Shop Now<\/a>/);
    expect(mail.html).toContain('1 Main Street<br>');
    expect(mail.html).toMatch(/<a href="http:\/\/127\.0\.0\.1:3000\/t\/c\/[\w-]+"[^>]*>https:\/\/order\.example\.com\/menu<\/a>\. Code FLASH25/);
    expect(mail.text).toMatch(/Unsubscribe: http:\/\/127\.0\.0\.1:3000\/t\/u\//);
    expect(mail.headerLines.filter(({ key }) => key.startsWith('x-'))).toEqual([]);
  });

  test('each who is not written to has the reason', async () => {
    const [none, out, dead, one, two] = await mailings.people([
      { id: 'none' },
      { id: 'out', email: 'out@example.com' },
      { id: 'dead', email: 'dead@example.com' },
      { id: 'one', email: 'shared@example.com' },
      { id: 'two', email: 'shared@example.com' },
    ]);
    await app.sql(`UPDATE customers SET consent_email = 'unsubscribed' WHERE tenant_id = $1 AND customer_no = $2`, [mailings.tenant.id, out]);
    await mailings.suppress('dead@example.com', 'hard_bounce');
    const numbers = [none!, out!, dead!, one!, two!];
    const promotion = await mailings.start(CONTENT, numbers);
    const receipt = await mailings.start(CONTENT, numbers, { type: 'transactional' });
    await eventually(async () => expect([await mailings.state(promotion), await mailings.state(receipt)]).toEqual(['finished', 'finished']));
    expect((await mailings.ledger(promotion)).map(({ status, reason }) => [status, reason])).toEqual([
      ['skipped', 'no_address'], ['skipped', 'no_consent'], ['skipped', 'suppressed'], ['accepted', null], ['skipped', 'duplicate_address'],
    ]);
    expect((await mailings.ledger(receipt)).map(({ status, reason }) => [status, reason])).toEqual([
      ['skipped', 'no_address'], ['accepted', null], ['skipped', 'suppressed'], ['accepted', null], ['skipped', 'duplicate_address'],
    ]);
    expect(await mailings.counters(promotion)).toEqual({ sent: 1, delivered: 1, skipped: 4 });
  });

  test('a refusal ends it, a "later" is tried again', async () => {
    let tries = 0;
    smtp.refuse = (address) => {
      if (address.startsWith('no')) return { responseCode: 550, message: '5.1.1 No such user' };
      if (address.startsWith('later') && tries++ === 0) return { responseCode: 451, message: '4.7.1 Greylisted' };
      return undefined;
    };
    const numbers = await mailings.people([{ id: 'no', email: 'no@example.com' }, { id: 'later', email: 'later@example.com' }]);
    const mailing = await mailings.start(CONTENT, numbers);
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 15_000 });
    expect((await mailings.ledger(mailing)).map(({ status, reason, attempts }) => [status, reason, attempts])).toEqual([
      ['rejected', 'smtp_550_5.1.1', 1], ['accepted', null, 2],
    ]);
    expect(smtp.recipients).toEqual(['later@example.com']);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, failed: 1 });
  });

  test('a connection lost after the text was sent leaves it unknown, and nobody is written to twice', async () => {
    smtp.beforeReply = (address, session) => (address.startsWith('lost') ? smtp.drop(session) : undefined);
    const numbers = await mailings.people([{ id: 'lost', email: 'lost@example.com' }, { id: 'fine', email: 'fine@example.com' }]);
    const mailing = await mailings.send(CONTENT, numbers);
    expect((await mailings.ledger(mailing)).map(({ status }) => status)).toEqual(['unknown', 'accepted']);
    expect([...smtp.recipients].sort()).toEqual(['fine@example.com', 'lost@example.com']);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, unknown: 1 });
  });

  test('a server that is away costs nobody their email', async () => {
    const numbers = await mailings.people([{ id: 'patient', email: 'patient@example.com' }]);
    const { port } = smtp;
    await smtp.close();
    const mailing = await mailings.start(CONTENT, numbers);
    await eventually(async () => expect((await mailings.ledger(mailing))[0]).toMatchObject({ status: 'pending', attempts: 0, reason: expect.stringMatching(/^smtp_/) }));
    smtp = await startSmtp(port);
    app.clock.advance(60_000);
    await mailings.finished(mailing);
    expect(smtp.recipients).toEqual(['patient@example.com']);
  });

  test('nothing leaves a paused mailing; a canceled one skips the rest', async () => {
    const people = Array.from({ length: 120 }, (_, i) => ({ id: `p-${i}`, email: `p${i}@example.com` }));
    const numbers = await mailings.people(people);
    const mailing = await mailings.inTenant<Awaited<ReturnType<Mailings['start']>>>(async () => mailings.start(CONTENT, numbers, { endsAt: null }));
    await mailings.inTenant((tx) => mailings.delivery.pause(tx, mailings.tenant, mailing.campaignNo));
    const sent = await mailings.quiet(mailing);
    await mailings.inTenant((tx) => mailings.delivery.cancel(tx, mailings.tenant, mailing.campaignNo));
    await eventually(async () => expect((await mailings.ledger(mailing)).filter(({ status }) => status === 'skipped')).toHaveLength(120 - sent));
    expect(smtp.recipients).toHaveLength(sent);
    const counters = await mailings.counters(mailing);
    expect({ sent: 0, ...counters }).toMatchObject({ sent, skipped: 120 - sent });
  });

  test('who a template is too slow for is told so; the others get their email, and nobody waits for it', async () => {
    const people = Array.from({ length: 24 }, (_, i) => ({ id: `c-${i}`, email: `c${i}@example.com`, first_name: i < 12 ? 'Slow' : 'Quick' }));
    const numbers = await mailings.people(people);
    const body = '{% if customer.first_name == "Slow" %}{% for i in (1..999) %}{% for j in (1..999) %}{% if j == i %}{% endif %}{% endfor %}{% endfor %}{% endif %}Hello';
    const delays = monitorEventLoopDelay({ resolution: 10 });
    delays.enable();
    const mailing = await mailings.start({ subject: 'Hello', body }, numbers);
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 20_000 });
    delays.disable();
    expect((await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason])).toEqual(
      people.map(({ first_name }) => (first_name === 'Slow' ? ['rejected', 'template_limit_exceeded'] : ['accepted', null])),
    );
    expect(delays.max / 1e6).toBeLessThan(2_000); // 4.8 s for the twelve at once
  });

  test('of those who share an address, the next one gets what could not be written for the first', async () => {
    const numbers = await mailings.people(['Slow', 'Slow', 'Quick', 'Quick'].map((first_name, i) => ({ id: `s-${i}`, email: 'shared@example.com', first_name })));
    const body = '{% if customer.first_name == "Slow" %}{% for i in (1..999) %}{% for j in (1..999) %}{% if j == i %}{% endif %}{% endfor %}{% endfor %}{% endif %}Hello';
    const mailing = await mailings.send({ subject: 'Hello', body }, numbers);
    const outcomes = (await mailings.ledger(mailing)).map(({ status, reason }) => reason ?? status);
    expect([...outcomes].sort()).toEqual(['accepted', 'duplicate_address', 'template_limit_exceeded', 'template_limit_exceeded']);
    expect(smtp.recipients).toEqual(['shared@example.com']);
    const owners = await app.sql<{ customer_no: number }>('SELECT customer_no FROM mailing_addresses WHERE tenant_id = $1 AND campaign_no = $2', [mailings.tenant.id, mailing.campaignNo]);
    expect(owners).toEqual([{ customer_no: numbers[outcomes.indexOf('accepted')] }]);
  });

  test('a mailing with an end is not over before it', async () => {
    const numbers = await mailings.people([{ id: 'a', email: 'a@example.com' }]);
    const mailing = await mailings.start(CONTENT, numbers, { endsAt: new Date(app.clock.now().getTime() + 3_600_000) });
    await eventually(async () => expect((await mailings.ledger(mailing))[0]?.status).toBe('accepted'));
    expect(await mailings.state(mailing)).toBe('running');
    app.clock.advance(3_600_000);
    await mailings.finished(mailing);
  });
});

import type { Mailing } from '#delivery';
import type { TestApp } from './support/app.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const BASE = '/api/v1/marketing';

describe('an opt-out is of the address that the message was sent to', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let mailing: Mailing;
  let ada: number, bob: number;

  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    [ada, bob] = (await mailings.named('ada', 'bob')) as [number, number];
    mailing = await mailings.send(CONTENT, [ada, bob]);
  });

  const at = (name: string) => mailings.address(name);
  const api = () => app.api(['tenant_admin'], mailings.tenant.name);
  const customer = (customer_id: string) => ({ params: { path: { customer_id } } });
  const put = async (id: string, body: object) => (await api().PUT(`${BASE}/customers/{customer_id}`, { ...customer(id), body })).data!;
  const erase = async () => expect((await api().DELETE(`${BASE}/customers/{customer_id}`, customer('ada'))).response.status).toBe(204);
  const merge = () => api().POST(`${BASE}/customers/{customer_id}/merge`, { ...customer('bob'), body: { from: 'ada' } });

  /** What a mail client does with the header of the message that ada got. */
  const oneClick = async () => {
    const { unsubscribe } = (await smtp.mailTo(at('ada'))).headers.get('list') as unknown as { unsubscribe: { url: string } };
    const done = await app.fetch(new URL(unsubscribe.url).pathname, { method: 'POST', token: '', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) });
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('You are unsubscribed')]);
  };
  /** By the delivery's id alone, as it stands in the Message-ID. */
  const receive = (type: 'complained' | 'bounced', customerNo = ada) => mailings.receive(mailing, customerNo, type);
  /** What holds for whoever comes with the address now, subscribed as somebody says. */
  const rulesOf = async (name: string) => {
    const { consents } = await put(`new-${name}`, { email: at(name), consents: { email: { status: 'subscribed' } } });
    const { data } = await api().GET(`${BASE}/customers/{customer_id}/export`, customer(`new-${name}`));
    const { suppressions } = data!.data.profile as { suppressions: { reason: string }[] };
    return [consents.email.status, ...suppressions.map(({ reason }) => reason)];
  };
  const OPEN = ['subscribed'];
  const OPTED_OUT = ['unsubscribed', 'unsubscribed'];

  test('and so it is of whoever shares the address', async () => {
    await put('twin', { email: at('ada') });
    await oneClick();
    const { data } = await api().GET(`${BASE}/customers/{customer_id}`, customer('twin'));
    expect(data!.consents.email).toMatchObject({ status: 'unsubscribed', source: 'unsubscribe_link' });
  });

  test('also after the customer was erased', async () => {
    await erase();
    await oneClick();
    expect([await rulesOf('ada'), await rulesOf('bob')]).toEqual([OPTED_OUT, OPEN]);
    expect(await mailings.counters(mailing)).toEqual({ sent: 2, delivered: 2, unsubscribed: 1 });
  });

  test('also after the customer has another, which is opted out, too', async () => {
    await put('ada', { email: at('moved') });
    await oneClick();
    expect((await put('ada', {})).consents.email).toMatchObject({ status: 'unsubscribed', source: 'unsubscribe_link' });
    expect([await rulesOf('ada'), await rulesOf('moved')]).toEqual([OPTED_OUT, OPTED_OUT]);
  });

  test('also after the customer was merged; the survivor is opted out, too', async () => {
    await merge();
    await oneClick();
    expect((await put('bob', {})).consents.email).toMatchObject({ status: 'unsubscribed', source: 'unsubscribe_link' });
    expect([await rulesOf('ada'), await rulesOf('bob')]).toEqual([OPTED_OUT, OPTED_OUT]);
  });

  test('and so are complaints and bounces whose receipts name only the message', async () => {
    await put('ada', { email: at('moved') });
    expect(await receive('bounced')).toEqual(['matched']);
    expect([await rulesOf('ada'), await rulesOf('moved')]).toEqual([['subscribed', 'hard_bounce'], OPEN]);
    expect(await receive('complained', bob)).toEqual(['matched']);
    expect((await rulesOf('bob'))[1]).toBe('complaint');
  });

  test('also after the customer was erased, of whom nothing is left but that nobody writes there', async () => {
    await erase();
    expect(await receive('bounced')).toEqual(['matched']);
    expect([await rulesOf('ada'), await rulesOf('bob')]).toEqual([['subscribed', 'hard_bounce'], OPEN]);
    expect((await api().DELETE(`${BASE}/customers/{customer_id}`, customer('bob'))).response.status).toBe(204);
    expect(await receive('complained', bob)).toEqual(['matched']);
    expect((await rulesOf('bob'))[1]).toBe('complaint');
  });

  test('where two were merged who both got the message, a complaint is of both addresses, a bounce of neither', async () => {
    await merge();
    await receive('bounced');
    expect([await rulesOf('ada'), await rulesOf('bob')]).toEqual([OPEN, OPEN]);
    await receive('complained');
    expect([(await rulesOf('ada'))[1], (await rulesOf('bob'))[1]]).toEqual(['complaint', 'complaint']);
  });
});

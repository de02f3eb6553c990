import type { Mailing } from '#delivery';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const BROWSER = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36' };

describe('messages of customers who are merged', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let newNo: number, oldNo: number, bob: number;
  let oldAddress: string;

  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    smtp.beforeReply = undefined;
    smtp.recipients.length = 0;
    oldAddress = mailings.address('old');
    [newNo, oldNo, bob] = (await mailings.named('new', 'old', 'bob')) as [number, number, number];
  });

  const api = () => app.api(['tenant_admin'], mailings.tenant.name);
  const merge = () => api().POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'new' } }, body: { from: 'old' } });
  const deliveries = async () => {
    const { data } = await api().GET('/api/v1/marketing/customers/{customer_id}/timeline', { params: { path: { customer_id: 'new' }, query: { limit: 100 } } });
    return data!.data.filter((entry) => entry.type === 'delivery').map((entry) => `${String(entry.data.campaign_id)} ${String(entry.data.what)}`).sort();
  };
  const linksOf = async (address: string) => [...String((await smtp.mailTo(address)).html).matchAll(/href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[^"]+)"/g)].map(([, path]) => path!);
  const visit = (path: string) => app.fetch(path, { token: '', redirect: 'manual', headers: BROWSER });

  /** Has the server keep its answer to the first message for each of these. */
  const holding = (...addresses: string[]) => {
    const answers = new Map(addresses.map((address) => [address, { came: Promise.withResolvers<void>(), answer: Promise.withResolvers<void>() }]));
    smtp.beforeReply = (address) => {
      const held = answers.get(address);
      answers.delete(address);
      held?.came.resolve();
      return held?.answer.promise;
    };
    return addresses.map((address) => answers.get(address)!);
  };
  const later = () => Object.assign(new Error('4.7.1 Greylisted'), { responseCode: 451 });
  /** The one message of a mailing to both. */
  const onlyMessage = async (mailing: Mailing) => {
    await eventually(async () => expect(await mailings.state(mailing)).toBe('finished'), { within: 20_000 });
    const rows = await mailings.ledger(mailing);
    expect(rows.map(({ customer_no, status }) => [customer_no, status])).toEqual([[newNo, 'accepted']]);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1 });
  };

  test('whoever is just being written to under one number is not written to under the other meanwhile', async () => {
    const [old] = holding(oldAddress);
    const mailing = await mailings.start(CONTENT, [oldNo]);
    await old!.came.promise;
    await app.sql(`INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at) VALUES ($1, $2, $3, 'email', $4::timestamptz + interval '1 hour')`, [mailings.tenant.id, mailing.campaignNo, newNo, app.clock.now()]);
    await merge();
    await app.sql('UPDATE deliveries SET next_attempt_at = $3 WHERE tenant_id = $1 AND campaign_no = $2 AND customer_no = $4', [mailings.tenant.id, mailing.campaignNo, app.clock.now(), newNo]);
    old!.answer.resolve();
    await onlyMessage(mailing);
    expect(smtp.recipients).toEqual([oldAddress]);
  }, 30_000);

  test.each(['the other is still being called', 'it had it before the merge'])('nor is it tried again where the one has it and the other is told to come later: %s', async (when) => {
    const newAddress = mailings.address('new');
    const [old, young] = holding(oldAddress, newAddress);
    if (when.startsWith('it had')) old!.answer.resolve();
    const mailing = await mailings.start(CONTENT, [newNo, oldNo]);
    await Promise.all([old!.came.promise, young!.came.promise]);
    if (when.startsWith('it had')) {
      await app.sql(`UPDATE deliveries SET status = 'accepted', accepted_at = $3, delivered_at = $3, lease_until = NULL WHERE tenant_id = $1 AND campaign_no = $2 AND customer_no = $4`, [mailings.tenant.id, mailing.campaignNo, app.clock.now(), oldNo]);
      await app.sql('UPDATE mailing_counters SET sent = 1, delivered = 1 WHERE tenant_id = $1 AND campaign_no = $2', [mailings.tenant.id, mailing.campaignNo]);
    }
    await merge();
    old!.answer.resolve();
    young!.answer.reject(later());
    await onlyMessage(mailing);
    expect([...smtp.recipients].sort()).toEqual([newAddress, oldAddress]);
  }, 30_000);

  test('whoever was told to come later under a number that is merged away gets it under the other', async () => {
    await mailings.people([{ id: 'new', email: null }]);
    const [old] = holding(oldAddress);
    const mailing = await mailings.start(CONTENT, [oldNo]);
    await old!.came.promise;
    await merge();
    old!.answer.reject(later());
    await onlyMessage(mailing);
    expect(smtp.recipients).toEqual([oldAddress, oldAddress]); // the first was not taken
  }, 30_000);

  test('what both got counts once and is told twice; what one got moves', async () => {
    const both = await mailings.send(CONTENT, [newNo, oldNo, bob]);
    const one = await mailings.send(CONTENT, [oldNo]);
    await mailings.receive(both, oldNo, 'opened');
    await mailings.receive(both, newNo, 'opened');
    expect(await mailings.counters(both)).toEqual({ sent: 3, delivered: 3, opened: 2 });
    expect((await merge()).response.status).toBe(200);
    expect(await mailings.counters(both)).toEqual({ sent: 2, delivered: 2, opened: 1 });
    expect(await mailings.counters(one)).toEqual({ sent: 1, delivered: 1 });
    expect((await mailings.ledger(both)).map((row) => row.customer_no)).toEqual([newNo, bob]);
    expect((await mailings.ledger(one)).map((row) => row.customer_no)).toEqual([newNo]);
    const told = (mailing: Mailing, ...what: string[]) => what.map((one) => `${mailing.campaignId} ${one}`);
    expect(await deliveries()).toEqual([...told(both, 'accepted', 'accepted', 'delivered', 'delivered', 'opened', 'opened'), ...told(one, 'accepted', 'delivered')].sort());
  });

  test('links in what was sent before the merge lead to the survivor, still count, and still opt out', async () => {
    const mailing = await mailings.send({ ...CONTENT, cta_url: 'https://order.example.com?guest={{ customer.customer_id }}' }, [newNo, oldNo]);
    const [, button] = await linksOf(oldAddress);
    await merge();
    const response = await visit(button!);
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://order.example.com/?guest=new']);
    expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, opened: 1, clicked: 1 });
    expect(await mailings.receive(mailing, oldNo, 'unsubscribed')).toEqual(['matched']);
    const { data } = await api().GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'old' } } });
    expect(data).toMatchObject({ customer_id: 'new', consents: { email: { status: 'unsubscribed' } } });
  });

  test('whoever got it under one number does not get it under the other', async () => {
    const first = await mailings.send(CONTENT, [oldNo]);
    await app.sql(`INSERT INTO deliveries (tenant_id, campaign_no, customer_no, channel, next_attempt_at) VALUES ($1, $2, $3, 'email', now() + interval '1 day')`, [mailings.tenant.id, first.campaignNo, newNo]);
    await merge();
    expect(await mailings.ledger(first)).toMatchObject([{ customer_no: newNo, status: 'accepted' }]);
  });

  test('an order of the one after a click of the other is the campaign’s', async () => {
    const mailing = await mailings.send(CONTENT, [oldNo]);
    await visit((await linksOf(oldAddress))[1]!);
    const event = { id: 'e1', type: 'order_completed', customer_id: 'new', occurred_at: app.clock.now().toISOString(), order: { id: 'o1', total: 20 } };
    await api().POST('/api/v1/marketing/events', { body: { events: [event] as never } });
    await merge();
    await eventually(async () => expect(await mailings.counters(mailing)).toEqual({ sent: 1, delivered: 1, opened: 1, clicked: 1, converted: 1, revenue: 2000 }));
  });
});

import type { Mailing } from '#delivery';
import { startApp, type TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, SENDER_ENV } from './support/mailings.js';
import { startReceiver, type TestReceiver } from './support/receiver.js';
import { startSmtp, type TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const CHANNELS = '/api/v1/marketing/channels';

describe('sending over what a tenant runs', () => {
  let receiver: TestReceiver;
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => {
    [receiver, smtp] = [await startReceiver(), await startSmtp()];
    app = await startApp({ worker: true, env: { ALLOW_PRIVATE_TARGETS: '1', ...SENDER_ENV } });
  });
  afterAll(async () => {
    await app.close();
    await receiver.close();
    await smtp.close();
  });
  beforeEach(async () => {
    receiver.messages.length = receiver.posts.length = smtp.recipients.length = 0;
    receiver.react = () => 'take';
    mailings = await Mailings.of(app, newTenant());
  });
  const admin = () => app.api(['tenant_admin'], mailings.tenant.name);
  const connect = async (path: 'http_email' | 'http_sms' | 'http_push'): Promise<void> => {
    const { data } = await admin().PUT(`${CHANNELS}/${path}`, { body: { url: `${receiver.url}/send` } });
    receiver.secret = data!.secret;
  };
  const guests = async (count: number): Promise<number[]> => {
    await addCustomers(app, Array.from({ length: count }, (_, n) => ({
      id: `g${n}`, phone: `+4179100${String(n).padStart(4, '0')}`, first_name: 'Ada', push_subscription: { endpoint: `https://push.example.com/${n}`, keys: { p256dh: 'x', auth: 'y' } },
      consents: { sms: { status: 'subscribed' as const }, push: { status: 'subscribed' as const } },
    })), mailings.tenant.name);
    return (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1 ORDER BY 1', [mailings.tenant.id])).map(({ no }) => no);
  };

  test('each message is posted once, signed as the standard’s own library verifies, under the delivery’s id', async () => {
    await connect('http_push');
    const mailing = await mailings.send(CONTENT, await guests(50), { channels: ['push'], promoCode: 'FLASH25' });
    expect([receiver.messages.length, receiver.posts.length, await mailings.counters(mailing)]).toEqual([50, 50, { sent: 50 }]);
    const [{ id, idempotencyKey, body }] = receiver.messages as [TestReceiver['messages'][number]];
    expect([idempotencyKey, body.data.delivery_id, body.type]).toEqual([id, id, 'message.push']);
    expect(body.data).toMatchObject({ subscription: { endpoint: expect.stringMatching(/^https:/) as string }, title: 'Flash Sale for Ada', body: expect.stringContaining('Code FLASH25') as string, url: expect.stringMatching(/\/t\/c\//) as string });
    expect((await mailings.ledger(mailing))[0]).toMatchObject({ status: 'accepted', provider: 'http_push', provider_message_id: expect.stringMatching(/^msg-/) as string });
  });

  test.each(['not a url', 'ftp://example.com/', 'https://ada:secret@example.com/', 'https://xn--iñvalid.com/'])('%s is no address to post to', async (url) => {
    const { error } = await admin().PUT(`${CHANNELS}/http_sms`, { body: { url } });
    expect(error).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/url', code: 'is_url' }] });
  });

  test('texts and emails go there, too', async () => {
    await connect('http_sms');
    await admin().PATCH('/api/v1/marketing/settings', { body: { quiet_hours: { sms: null }, sender: { sms_from: '+14155550100' } } as never });
    await mailings.send(CONTENT, await guests(1), { channels: ['sms'] });
    await connect('http_email');
    await mailings.send(CONTENT, await mailings.people([{ id: 'e', email: 'eve@example.com' }]));
    expect(receiver.messages.map(({ body }) => body)).toMatchObject([
      { type: 'message.sms', data: { to: '+41791000000', from: '+14155550100', text: expect.stringContaining('Reply STOP') as string } },
      { type: 'message.email', data: { to: 'eve@example.com', from: { email: 'hello@trattoria.example' }, html: expect.stringContaining('<html') as string, unsubscribe_url: expect.stringContaining('/t/u/') as string } },
    ]);
  });

  test('what was taken though its answer was lost comes again under the same id, and is nobody’s unknown', async () => {
    await connect('http_push');
    let lost = 0;
    receiver.react = () => (lost++ < 5 ? 'take and hang up' : 'take');
    const mailing = await mailings.start(CONTENT, await guests(10), { channels: ['push'] });
    await eventually(async () => {
      app.clock.advance(10_000);
      expect(await mailings.state(mailing)).toBe('finished');
    });
    expect([receiver.messages.length, new Set(receiver.posts).size, receiver.posts.length]).toEqual([10, 10, 15]);
    expect(await mailings.counters(mailing)).toEqual({ sent: 10 });
  });

  /** A mailing whose messages were taken, or may have been: the connections broke before an answer came. */
  async function uncertain(count = 1, channel: 'push' | 'email' = 'push') {
    receiver.react = () => 'take and hang up';
    const customers = channel === 'push' ? await guests(count) : await mailings.people(Array.from({ length: count }, (_, n) => ({ id: `e${n}`, email: `e${n}@example.com` })));
    const mailing = await mailings.start(CONTENT, customers, { channels: [channel] });
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ status, attempts }) => [status, attempts > 0])).toEqual(customers.map(() => ['pending', true])));
    return { mailing, customers };
  }
  /** As a worker leaves it that is killed in its next call. */
  const lost = (mailing: Mailing, attempts = 'attempts') => app.sql(`UPDATE deliveries SET status = 'calling', lease_until = 'epoch', attempts = ${attempts} WHERE tenant_id = $1 AND campaign_no = $2`, [mailings.tenant.id, mailing.campaignNo]);
  const ended = (mailing: Mailing) => eventually(async () => {
    app.clock.advance(10_000);
    expect(await mailings.state(mailing)).toBe('finished');
  });
  const outcomes = async (mailing: Mailing) => (await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason]);

  test('what a lost worker was calling for is called for again, under the same id, if not for ever', async () => {
    await connect('http_push');
    const { mailing, customers } = await uncertain(2);
    receiver.posts.length = 0;
    receiver.react = () => 'take';
    await lost(mailing, `CASE customer_no WHEN ${customers[0]} THEN 12 ELSE 11 END`);
    await ended(mailing);
    expect([receiver.posts, receiver.messages.length]).toEqual([[receiver.messages[1]!.id], 2]);
    expect(await outcomes(mailing)).toEqual([['unknown', 'worker_lost'], ['accepted', null]]);
  });

  describe('what may have arrived', () => {
    let other: TestReceiver;
    beforeEach(async () => void (other = await startReceiver()));
    afterEach(() => other.close());
    const moveTo = async (): Promise<void> => {
      other.secret = (await admin().PUT(`${CHANNELS}/http_push`, { body: { url: `${other.url}/send` } })).data!.secret;
    };

    test.each(['its answer was lost', 'its worker was'])('does not go to another receiver, unless the operator says that it did not: %s', async (what) => {
      await connect('http_push');
      const { mailing } = await uncertain();
      await moveTo();
      if (what === 'its worker was') await lost(mailing);
      await ended(mailing);
      expect([await outcomes(mailing), await mailings.counters(mailing), other.posts]).toEqual([[['unknown', 'receiver_changed']], { unknown: 1 }, []]);
      const [{ id: delivery_id }] = receiver.messages as [TestReceiver['messages'][number]];
      await admin().POST('/api/v1/marketing/campaigns/{campaign_id}/deliveries/{delivery_id}/resend', { params: { path: { campaign_id: mailing.campaignId, delivery_id } } });
      await ended(mailing);
      expect([await outcomes(mailing), other.posts]).toEqual([[['accepted', null]], [delivery_id]]);
    });

    test('does not go over another provider', async () => {
      await connect('http_email');
      const { mailing } = await uncertain(1, 'email');
      await admin().PUT(`${CHANNELS}/smtp`, { body: { host: 'localhost', port: smtp.port, security: 'none' } });
      await ended(mailing);
      expect([await outcomes(mailing), smtp.recipients]).toEqual([[['unknown', 'receiver_changed']], []]);
    });

    test('goes to the same receiver under a new secret', async () => {
      await connect('http_push');
      const { mailing } = await uncertain();
      await connect('http_push');
      receiver.react = () => 'take';
      await ended(mailing);
      expect([await outcomes(mailing), receiver.messages.length]).toEqual([[['accepted', null]], 1]);
    });

    test('is unknown, not skipped, when the campaign is canceled or its customer opts out', async () => {
      await connect('http_push');
      const [canceled, left] = [await uncertain(), await uncertain()];
      await mailings.inTenant((tx) => mailings.delivery.cancel(tx, mailings.tenant, canceled.mailing.campaignNo));
      await admin().PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: 'g0' } }, body: { consents: { push: { status: 'unsubscribed' } } } });
      await ended(left.mailing);
      await eventually(async () => expect(await outcomes(canceled.mailing)).toEqual([['unknown', expect.stringMatching(/^http_/)]]));
      expect(await outcomes(left.mailing)).toEqual([['unknown', 'no_consent']]);
    });

    test('is unknown when its customer is merged away: under the survivor’s id it would be taken anew', async () => {
      await connect('http_push');
      const { mailing } = await uncertain();
      await addCustomers(app, [{ id: 'survivor', push_subscription: { endpoint: 'https://push.example.com/s', keys: { p256dh: 'x', auth: 'y' } }, consents: { push: { status: 'subscribed' } } }], mailings.tenant.name);
      expect((await admin().POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'survivor' } }, body: { from: 'g0' } })).response.status).toBe(200);
      receiver.react = () => 'take';
      await ended(mailing);
      expect([(await outcomes(mailing)).map(([status]) => status), receiver.messages.length]).toEqual([['unknown'], 1]);
    });

    test('may go anywhere when it was only put off', async () => {
      await connect('http_push');
      receiver.react = () => ({ status: 429 });
      const mailing = await mailings.start(CONTENT, await guests(1), { channels: ['push'] });
      await eventually(async () => expect(await outcomes(mailing)).toEqual([['pending', 'http_429']]));
      await moveTo();
      await ended(mailing);
      expect([await outcomes(mailing), other.posts.length]).toEqual([[['accepted', null]], 1]);
    });
  });

  test('a message that is refused is rejected; a service that is gone pauses the mailing', async () => {
    await connect('http_push');
    receiver.react = ({ body }) => ((body.data.subscription as { endpoint: string }).endpoint.endsWith('/0') ? { status: 422 } : 'take');
    expect((await mailings.ledger(await mailings.send(CONTENT, await guests(2), { channels: ['push'] }))).map(({ status, reason }) => [status, reason])).toEqual([['rejected', 'http_422'], ['accepted', null]]);
    receiver.react = () => ({ status: 308, headers: { location: `${receiver.url}/elsewhere` } });
    const mailing = await mailings.start(CONTENT, await guests(2), { channels: ['push'] });
    await eventually(async () => expect(await mailings.state(mailing)).toBe('paused'));
    expect((await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason])).toEqual([['pending', 'http_308'], ['pending', 'http_308']]);
  });

  test('an answer that nobody can keep is an answer all the same', async () => {
    await connect('http_push');
    const answers = [{ status: 202, body: { id: 'a\u0000b' } }, { status: 200, body: { id: 'x'.repeat(300) } }, { status: 205 }, 'take' as const];
    receiver.react = ({ body }) => answers[Number((body.data.subscription as { endpoint: string }).endpoint.slice(-1))]!;
    const rows = await mailings.ledger(await mailings.send(CONTENT, await guests(4), { channels: ['push'] }));
    expect(rows.map(({ status, provider_message_id }) => [status, provider_message_id])).toEqual([['accepted', null], ['accepted', null], ['accepted', null], ['accepted', 'msg-1']]);
  });

  test('where it is connected anew, nothing goes to where it was', async () => {
    await connect('http_push');
    const customers = await guests(1);
    await mailings.send(CONTENT, customers, { channels: ['push'] });
    const other = await startReceiver();
    try {
      await admin().DELETE('/api/v1/marketing/channels/{provider}', { params: { path: { provider: 'http_push' } } });
      other.secret = (await admin().PUT(`${CHANNELS}/http_push`, { body: { url: `${other.url}/send` } })).data!.secret;
      await mailings.send(CONTENT, customers, { channels: ['push'] });
      expect([receiver.posts.length, other.posts.length]).toEqual([1, 1]);
    } finally {
      await other.close();
    }
  });

  test('email goes over the tenant’s own mail server', async () => {
    expect((await admin().PUT(`${CHANNELS}/smtp`, { body: { host: 'localhost', port: smtp.port, security: 'none' } })).data).toMatchObject({ provider: 'smtp', status: 'connected', in_use: true });
    const mailing = await mailings.send(CONTENT, await mailings.crowd(30));
    expect(new Set(smtp.recipients).size).toBe(30);
    expect(await mailings.counters(mailing)).toEqual({ sent: 30, delivered: 30 });
  });

  test('one that has no TLS gets no login that asks for it', async () => {
    await admin().PUT(`${CHANNELS}/smtp`, { body: { host: 'localhost', port: smtp.port, security: 'starttls', username: 'ada', password: 'secret' } });
    const mailing = await mailings.start(CONTENT, await mailings.people([{ id: 'a', email: 'a@example.com' }]));
    await eventually(async () => expect((await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason])).toEqual([['pending', expect.stringMatching(/^smtp_/)]]));
    expect(smtp.recipients).toEqual([]);
  });
});

test('hosts of our own network are refused, and the mailing says so, where the operator does not allow them', async () => {
  const [receiver, smtp] = [await startReceiver(), await startSmtp()];
  const app = await startApp({ worker: true, env: SENDER_ENV });
  try {
    const mailings = await Mailings.of(app);
    const api = app.api(['tenant_admin']);
    await api.PUT(`${CHANNELS}/http_push`, { body: { url: `${receiver.url}/send` } });
    await api.PUT(`${CHANNELS}/smtp`, { body: { host: 'localhost', port: smtp.port, security: 'none' } });
    await addCustomers(app, [{ id: 'a', email: 'a@example.com', push_subscription: { endpoint: 'https://push.example.com/a' }, consents: { push: { status: 'subscribed' } } }]);
    const [{ no }] = (await app.sql<{ no: number }>('SELECT customer_no AS no FROM customers WHERE tenant_id = $1', [mailings.tenant.id])) as [{ no: number }];
    for (const [channel, reason] of [['push', 'http_etargetrefused'], ['email', 'smtp_etargetrefused']] as const) {
      const mailing = await mailings.start(CONTENT, [no], { channels: [channel] });
      await eventually(async () => expect(await mailings.state(mailing)).toBe('paused'));
      expect(await mailings.ledger(mailing)).toMatchObject([{ status: 'pending', reason, attempts: 0 }]);
    }
    expect([receiver.posts, smtp.recipients]).toEqual([[], []]);
  } finally {
    await app.close();
    await receiver.close();
    await smtp.close();
  }
});

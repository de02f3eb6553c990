import type { TestApp } from './support/app.js';
import { addCustomers } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { startMailer, textAtAnyHour } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';
import { startTwilio, type TestTwilio } from './support/twilio.js';
import { codeShop, UNIQUE_CODE } from './support/unique-codes.js';

const CAMPAIGNS = '/api/v1/marketing/campaigns';
const BROWSER = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36' };

describe('a promo code for each recipient', () => {
  let smtp: TestSmtp;
  let twilio: TestTwilio;
  let app: TestApp;
  let tenant: string;
  let shop: ReturnType<typeof codeShop>;
  beforeAll(async () => {
    twilio = await startTwilio();
    ({ app, smtp } = await startMailer({ DATABASE_POOL: '20', TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'token', TWILIO_API_URL: twilio.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` }));
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
    await twilio.close();
  });
  beforeEach(() => void (shop = codeShop(app, (tenant = newTenant()))));

  const address = (id: string) => `${id}.${tenant}@example.com`;
  const guest = (id: string, more: object = {}) => ({ id, email: address(id), ...more });
  /** A campaign to Ada and Bob that is done. @returns its id and their codes */
  const sent = async (over: object = {}) => {
    const segment = await shop.guests(guest('ada'), guest('bob'));
    const id = await shop.create(segment, over);
    await shop.start(id);
    await shop.done(id);
    const { ada, bob } = await shop.codes(id);
    return { id, segment, ada: ada!, bob: bob! };
  };
  const rowsOf = (table: string, where = 'true') => app.sql(`SELECT x.* FROM ${table} x JOIN tenants t ON t.id = x.tenant_id WHERE t.name = $1 AND ${where}`, [tenant]);

  describe('is given with the campaign', () => {
    test('one to a customer, on every channel the same, and the links lead with it', async () => {
      await textAtAnyHour(app, tenant);
      const segment = await shop.guests(...['ada', 'bob', 'cem'].map((id, n) => guest(id, { phone: `+4179123000${n}`, consents: { sms: { status: 'subscribed' } } })));
      const id = await shop.create(segment, { channels: ['email', 'sms'] });
      await shop.start(id);
      await shop.done(id);
      const codes = await shop.codes(id);
      expect(new Set(Object.values(codes)).size).toBe(3);
      for (const [n, who] of ['ada', 'bob', 'cem'].entries()) {
        expect(codes[who]).toMatch(UNIQUE_CODE);
        expect(codes[who]).toMatch(/^FLASH25-/);
        const mail = await smtp.mailTo(address(who));
        expect(mail.text).toContain(`Code ${codes[who]}.`);
        expect(twilio.messages.find(({ form }) => form.To === `+4179123000${n}`)!.form.Body).toContain(`Code ${codes[who]}.`);
        const links = await Promise.all([...String(mail.html).matchAll(/href="http:\/\/127\.0\.0\.1:3000(\/t\/c\/[^"]+)"/g)].map(([, path]) => app.fetch(path!, { token: '', redirect: 'manual', headers: BROWSER })));
        expect(links.map(({ headers }) => headers.get('location'))).toContain(`https://order.example.com/?promo=${codes[who]}`);
      }
      expect(await rowsOf('promo_codes', 'x.customer_no IS NOT NULL')).toHaveLength(3);
    });

    test('who enters a continuous campaign’s segment gets theirs', async () => {
      const segment = await shop.guests(guest('before'));
      const id = await shop.create(segment, { delivery_mode: 'continuous' });
      await shop.start(id);
      await addCustomers(app, [guest('ada'), guest('bob')], tenant);
      for (const customer_ids of [['ada'], ['ada', 'bob']]) await shop.api.POST('/api/v1/marketing/segments/{segment_id}/members', { params: { path: { segment_id: segment } }, body: { customer_ids } });
      await eventually(async () => expect(Object.keys(await shop.codes(id)).sort()).toEqual(['ada', 'bob']));
      const { ada, bob } = await shop.codes(id);
      expect([ada, bob]).toEqual([expect.stringMatching(UNIQUE_CODE), expect.stringMatching(UNIQUE_CODE)]);
      await eventually(async () => expect(await shop.validate(ada!, 'ada')).toBe('valid'));
    });

    test('a code that exists already is drawn anew', async () => {
      const segment = await shop.guests(guest('ada'), guest('bob'));
      await shop.api.POST('/api/v1/marketing/promos', { body: { code: 'TAKEN', type: 'percentage', value: 5 } });
      const mailing = await shop.create(segment);
      await app.sql(`CREATE TABLE draws (n int); CREATE FUNCTION draw_taken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
          IF NEW.customer_no IS NOT NULL AND (SELECT count(*) FROM draws) < 3 THEN INSERT INTO draws VALUES (1); NEW.code := 'TAKEN'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER draw_taken BEFORE INSERT ON promo_codes FOR EACH ROW EXECUTE FUNCTION draw_taken()`);
      try {
        await shop.start(mailing);
        await shop.done(mailing);
      } finally {
        await app.sql('DROP TRIGGER draw_taken ON promo_codes; DROP FUNCTION draw_taken; DROP TABLE draws');
      }
      expect(Object.values(await shop.codes(mailing))).toEqual([expect.stringMatching(UNIQUE_CODE), expect.stringMatching(UNIQUE_CODE)]);
    });

    test('without a promo there are none; once started, nothing changes that', async () => {
      const body = { name: 'Sale', type: 'promotion' as const, channels: ['email' as const], segment_id: 'seg_all_customers', unique_promo_codes: true };
      expect((await shop.api.POST(CAMPAIGNS, { body })).error).toMatchObject({ status: 400, code: 'validation_failed', errors: [{ pointer: '/unique_promo_codes', code: 'promo_required' }] });
      const { id } = await sent();
      expect(await shop.campaign(id)).toMatchObject({ unique_promo_codes: true });
      expect((await shop.api.PATCH(`${CAMPAIGNS}/{campaign_id}`, { ...shop.one(id), body: { unique_promo_codes: false } })).error).toMatchObject({ status: 409, errors: [{ pointer: '/unique_promo_codes' }] });
    });

    test('a rehearsal shows a sample that no till takes, or in a preview what was reserved', async () => {
      const segment = await shop.guests(guest('ada', { phone: '+41791230001', push_subscription: { endpoint: 'https://push.example.com/1', keys: { p256dh: 'BAAA', auth: 'AAAA' } } }));
      const id = await shop.create(segment, { channels: ['email', 'sms', 'push'] });
      const preview = async () => (await shop.api.POST(`${CAMPAIGNS}/{campaign_id}/preview`, { ...shop.one(id), body: { customer_id: 'ada' } })).data!.messages;
      const sample = 'FLASH25-*SAMPLECODE*';
      for (const { text } of await preview()) expect(text).toContain(`Code ${sample}.`);
      expect((await preview())[2]!.url).toBe(`https://order.example.com/?promo=${sample}`);
      expect(await shop.validate(sample, 'ada')).toBe('invalid_promo_code');
      expect((await shop.api.POST(`${CAMPAIGNS}/{campaign_id}/test`, { ...shop.one(id), body: { to: [address('chef')], customer_id: 'ada' } })).data!.results).toMatchObject([{ status: 'accepted' }]);
      expect((await smtp.mailTo(address('chef'))).text).toContain(sample);
      expect(await rowsOf('promo_codes', 'x.customer_no IS NOT NULL')).toEqual([]);
      await shop.api.PATCH(`${CAMPAIGNS}/{campaign_id}`, { ...shop.one(id), body: { channels: ['email'] } });
      await shop.start(id);
      await shop.done(id);
      const { ada } = await shop.codes(id);
      for (const { text } of await preview()) expect(text).toContain(`Code ${ada}.`);
    });
  });

  describe('redeems', () => {
    test('once, for its customer alone, who need not be named', async () => {
      const { ada, bob } = await sent();
      expect([await shop.validate(ada, 'ada'), await shop.validate(ada), await shop.validate(ada, 'bob'), await shop.validate(ada, 'nobody-yet')]).toEqual(['valid', 'valid', 'code_not_yours', 'code_not_yours']);
      expect(await shop.redeem(ada, 'bob')).toMatchObject({ status: 422, code: 'code_not_yours' });
      const first = await shop.redeem(ada.toLowerCase());
      expect(first).toMatchObject({ status: 201, body: { code: ada, customer_id: 'ada' } });
      expect(await shop.redeem(ada, 'ada')).toMatchObject({ status: 409, code: 'code_already_redeemed' });
      expect(await shop.validate(ada)).toBe('code_already_redeemed');
      await shop.rollback(first.body.id);
      await shop.rollback(first.body.id);
      expect(await shop.redeem(ada, 'ada')).toMatchObject({ status: 201 });
      expect(await shop.redeem(bob, 'bob')).toMatchObject({ status: 201, body: { promo_id: first.body.promo_id } });
    });

    test('as the promo’s terms and limits allow', async () => {
      const { id, ada, bob } = await sent();
      const promo = { params: { path: { promo_id: (await shop.campaign(id)).promo_id! } } };
      const change = async (body: object) => expect((await shop.api.PATCH('/api/v1/marketing/promos/{promo_id}', { ...promo, body: body as never })).error).toBeUndefined();
      await change({ min_order_amount: 21 });
      expect(await shop.validate(ada)).toBe('min_order_not_met');
      await change({ min_order_amount: null, usage_limit: 1, per_customer_limit: 1 });
      expect(await shop.redeem(ada)).toMatchObject({ status: 201 }); // customer_required, were it nobody's
      expect(await shop.redeem(bob)).toMatchObject({ status: 409, code: 'usage_limit_reached' });
      await change({ usage_limit: null, budget: 9 });
      expect(await shop.redeem(bob)).toMatchObject({ status: 409, code: 'budget_exhausted' });
      await change({ budget: null });
      await shop.api.POST('/api/v1/marketing/promos/{promo_id}/pause', promo);
      expect(await shop.validate(bob, 'bob')).toBe('inactive');
      await shop.api.POST('/api/v1/marketing/promos/{promo_id}/activate', promo);
      expect(await shop.validate(bob, 'bob')).toBe('valid');
      await shop.api.POST('/api/v1/marketing/promos/{promo_id}/archive', promo);
      expect(await shop.redeem(bob, 'bob')).toMatchObject({ status: 422, code: 'inactive' });
    });

    test('once, when twenty tills take it at the same moment', async () => {
      const { ada } = await sent();
      const tried = await Promise.all(Array.from({ length: 20 }, (_, n) => shop.redeem(ada, n % 2 === 0 ? 'ada' : undefined, `order_${n}`)));
      expect(tried.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
      expect(new Set(tried.map(({ code }) => code))).toEqual(new Set([undefined, 'code_already_redeemed']));
      expect(await rowsOf('promo_redemptions', `x.status = 'redeemed'`)).toHaveLength(1);
    });

    test('as often as the promo may be used, when everybody comes at once', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `g${n}`);
      const id = await shop.create(await shop.guests(...ids.map((one) => guest(one))));
      await shop.start(id);
      await shop.done(id);
      await shop.api.PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: (await shop.campaign(id)).promo_id! } }, body: { usage_limit: 5 } });
      const tried = await Promise.all(Object.values(await shop.codes(id)).map((code) => shop.redeem(code)));
      expect(tried.filter(({ status }) => status === 201)).toHaveLength(5);
      expect(await rowsOf('promo_codes', 'x.redemption_id IS NOT NULL')).toHaveLength(5); // who was refused may come again
    });

    test('and the code that it begins with does not, where the promo was made for the campaign', async () => {
      const { ada } = await sent();
      expect([await shop.validate('FLASH25', 'ada'), await shop.validate('FLASH25'), (await shop.redeem('FLASH25')).code]).toEqual(['unique_code_required', 'unique_code_required', 'unique_code_required']);
      const body = { name: 'Open', type: 'promotion' as const, channels: ['email' as const], segment_id: 'seg_all_customers', promo_code: 'FLASH25', promo_discount_percent: 25 };
      expect((await shop.api.POST(CAMPAIGNS, { body })).error).toMatchObject({ status: 409, code: 'promo_code_exists' }); // its readers could not redeem what it prints
      const draft = await shop.create('seg_all_customers');
      expect((await shop.api.PATCH(`${CAMPAIGNS}/{campaign_id}`, { ...shop.one(draft), body: { unique_promo_codes: false } })).error).toMatchObject({ code: 'promo_code_exists' });
      const { data } = await shop.api.GET('/api/v1/marketing/promos', { params: { query: { code: ada } } });
      expect((await shop.api.PATCH('/api/v1/marketing/promos/{promo_id}', { params: { path: { promo_id: data!.data[0]!.id } }, body: { unique_codes_only: false } })).error).toBeUndefined();
      expect([await shop.validate('FLASH25'), await shop.validate(ada)]).toEqual(['valid', 'valid']);
      expect((await shop.api.POST(CAMPAIGNS, { body })).error).toBeUndefined();

      await shop.api.POST('/api/v1/marketing/promos', { body: { code: 'PUBLIC', type: 'percentage', value: 25 } });
      await shop.create('seg_all_customers', { promo_code: 'PUBLIC' });
      expect(await shop.validate('PUBLIC')).toBe('valid'); // it was there before
    });

    test('when its message was handed over, and not before; never, when the campaign is canceled or its customer leaves', async () => {
      const at = (minutes: number) => new Date(app.clock.now().getTime() + minutes * 60_000).toISOString().slice(11, 16);
      const later = { send_window: { start: at(20), end: at(40) } };
      const segment = await shop.guests(guest('ada'), guest('bob'));
      const [sale, canceled] = [await shop.create(segment, later), await shop.create(segment, later)];
      for (const id of [sale, canceled]) await shop.start(id);
      await eventually(async () => expect([Object.keys(await shop.codes(sale)), Object.keys(await shop.codes(canceled))]).toMatchObject([{ length: 2 }, { length: 2 }]));
      const { ada, bob } = await shop.codes(sale);
      const { ada: unsent } = await shop.codes(canceled);
      expect([await shop.validate(ada!, 'ada'), await shop.validate(ada!), await shop.validate(bob!)]).toEqual(['not_found', 'not_found', 'not_found']);
      expect(await shop.redeem(ada!, 'ada')).toMatchObject({ status: 422, code: 'not_found' });
      await shop.api.POST(`${CAMPAIGNS}/{campaign_id}/cancel`, shop.one(canceled));
      await addCustomers(app, [guest('ada', { consents: { email: { status: 'unsubscribed' } } })], tenant);
      app.clock.advance(30 * 60_000);
      await shop.done(sale);
      expect([await shop.validate(ada!, 'ada'), await shop.validate(bob!, 'bob'), await shop.validate(unsent!, 'ada')]).toEqual(['not_found', 'valid', 'not_found']);
      expect(await shop.redeem(bob!)).toMatchObject({ status: 201 });
      expect(await shop.redeem(unsent!)).toMatchObject({ status: 422, code: 'not_found' });
      expect(await rowsOf('promo_totals')).toMatchObject([{ uses: '1' }]); // what was refused counts for nothing
    });

    test.each([
      ['is refused', 'rejected', 'not_found', 'not_found'],
      ['is to come later', 'pending', 'not_found', 'not_found'],
      ['may have arrived', 'unknown', 'valid', 'valid'],
    ])('when its message %s (%s): %s; given up: %s', async (_, status, reason, afterwards) => {
      if (status === 'unknown') smtp.beforeReply = (_to, session) => smtp.drop(session);
      else smtp.refuse = () => ({ responseCode: status === 'rejected' ? 550 : 451, message: 'No' });
      const id = await shop.create(await shop.guests(guest('ada')));
      await shop.start(id);
      const row = async () => (await shop.api.GET(`${CAMPAIGNS}/{campaign_id}/deliveries`, { params: { path: { campaign_id: id } } })).data!.data[0]!;
      await eventually(async () => expect(await row()).toMatchObject({ status, attempts: 1 }));
      [smtp.beforeReply, smtp.refuse] = [undefined, undefined];
      const { ada } = await shop.codes(id);
      expect(await shop.validate(ada!, 'ada')).toBe(reason);
      await shop.api.POST(`${CAMPAIGNS}/{campaign_id}/deliveries/{delivery_id}/give-up`, { params: { path: { campaign_id: id, delivery_id: (await row()).id } } });
      expect(await shop.validate(ada!, 'ada')).toBe(afterwards);
    });

    test('when its customer is merged into another while it is on its way', async () => {
      const segment = await shop.guests(guest('bob'));
      await addCustomers(app, [guest('ada')], tenant);
      let answer = (): void => undefined;
      smtp.beforeReply = () => new Promise((resolve) => (answer = resolve));
      try {
        const id = await shop.create(segment);
        await shop.start(id);
        await eventually(async () => expect(await rowsOf('deliveries')).toMatchObject([{ status: 'calling' }]));
        const { bob } = await shop.codes(id);
        await shop.api.POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'ada' } }, body: { from: 'bob' } });
        expect(await shop.validate(bob!, 'ada')).toBe('valid');
      } finally {
        smtp.beforeReply = undefined;
        answer();
      }
    });

    test('when it may have arrived, was given up, and its customer was merged into another whose own was refused', async () => {
      smtp.refuse = (to) => (to === address('ada') ? { responseCode: 550, message: 'No' } : undefined);
      smtp.beforeReply = (to, session) => (to === address('bob') ? smtp.drop(session) : undefined);
      const id = await shop.create(await shop.guests(guest('ada'), guest('bob')));
      await shop.start(id);
      const rows = async () => (await shop.api.GET(`${CAMPAIGNS}/{campaign_id}/deliveries`, { params: { path: { campaign_id: id } } })).data!.data;
      await eventually(async () => expect((await rows()).map((row) => [row.customer_id, row.status]).sort()).toEqual([['ada', 'rejected'], ['bob', 'unknown']]));
      [smtp.beforeReply, smtp.refuse] = [undefined, undefined];
      const { bob } = await shop.codes(id);
      const lost = (await rows()).find((row) => row.customer_id === 'bob')!;
      await shop.api.POST(`${CAMPAIGNS}/{campaign_id}/deliveries/{delivery_id}/give-up`, { params: { path: { campaign_id: id, delivery_id: lost.id } } });
      expect(await shop.validate(bob!, 'bob')).toBe('valid');
      await shop.api.POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'ada' } }, body: { from: 'bob' } });
      expect(await shop.validate(bob!, 'ada')).toBe('valid');
    });

    test('and no other promo can have it; its own is found by it', async () => {
      const { ada } = await sent();
      expect((await shop.api.POST('/api/v1/marketing/promos', { body: { code: ada, type: 'percentage', value: 5 } })).error).toMatchObject({ status: 409, code: 'promo_code_exists' });
      const { data } = await shop.api.GET('/api/v1/marketing/promos', { params: { query: { code: ada } } });
      expect([data!.data.map(({ code }) => code), data!.meta.total]).toEqual([['FLASH25'], 1]);
    });
  });

  describe('brings its order to its campaign', () => {
    const metrics = (id: string, converted: number, revenue_attributed: number) => eventually(async () => expect((await shop.campaign(id)).metrics).toMatchObject({ converted, revenue_attributed }));
    const report = (customer_id: string, order: object) =>
      shop.api.POST('/api/v1/marketing/events', { body: { events: [{ id: `${tenant}-${JSON.stringify(order)}`, type: 'order_completed', customer_id, occurred_at: app.clock.now().toISOString(), order }] } as never });

    test('and its customer, at a till that knows neither', async () => {
      const first = await sent();
      const later = await shop.create(first.segment); // of the same promo: the latest, were it not for the code
      await shop.start(later);
      await shop.done(later);
      const { body } = await shop.redeem(first.ada, undefined, 'table-7');
      await metrics(first.id, 1, 15);
      await report('walk-in', { id: 'table-7', total: 15, items: [] });
      await report('bob', { id: 'web-1', total: 40, items: [], promo_code: first.bob }); // named, and not redeemed here
      await metrics(first.id, 2, 55);
      const converted = (await shop.api.GET(`${CAMPAIGNS}/{campaign_id}/deliveries`, { params: { path: { campaign_id: first.id } } })).data!.data.filter((row) => row.converted_at !== null);
      expect(converted.map((row) => row.customer_id).sort()).toEqual(['ada', 'bob']);
      await metrics(later, 0, 0);
      await shop.rollback(body.id);
      await metrics(first.id, 1, 40);
    });
  });

  describe('goes with its customer', () => {
    test('who is erased: nothing ties it to them, and it is no code any more', async () => {
      const { id, ada, bob } = await sent();
      const { body } = await shop.redeem(bob);
      for (const customer_id of ['ada', 'bob']) expect((await shop.api.DELETE('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id } } })).response.status).toBe(204);
      expect(await rowsOf('promo_codes', 'x.customer_no IS NOT NULL')).toEqual([]);
      expect(await rowsOf('promo_redemptions', 'x.customer_no IS NOT NULL')).toEqual([]);
      expect([await shop.validate(ada), await shop.validate(ada, 'ada'), (await shop.redeem(ada)).code]).toEqual(['not_found', 'not_found', 'not_found']);
      expect(Object.values(await shop.codes(id))).toEqual([null]);
      await shop.rollback(body.id);
      expect(await shop.validate(bob)).toBe('not_found');
    });

    test('who is merged into another: both of their codes are the survivor’s', async () => {
      const { id, ada, bob } = await sent();
      const shown = (await shop.api.GET('/api/v1/marketing/customers/{customer_id}/export', { params: { path: { customer_id: 'bob' } } })).data as { promo_codes?: unknown };
      expect(JSON.stringify(shown)).toContain(bob);
      expect((await shop.api.POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'ada' } }, body: { from: 'bob' } })).response.status).toBe(200);
      expect(await shop.codes(id)).toEqual({ ada });
      expect([await shop.validate(bob, 'ada'), await shop.validate(bob, 'bob')]).toEqual(['valid', 'valid']); // bob is ada now
      expect((await shop.redeem(bob)).body.customer_id).toBe('ada');
      expect(await shop.validate(ada, 'ada')).toBe('valid');
    });

    test.each([['nobody', 'ada'], ['ada', 'ada'], ['bob', 'bob']])('who is merged before both were written to: of the two codes one is left; told was %s, and it is that of %s', async (told, keeps) => {
      smtp.refuse = (to) => (to === address(told) ? undefined : { responseCode: 451, message: 'Later' });
      const id = await shop.create(await shop.guests(guest('ada'), guest('bob')));
      await shop.start(id);
      const states = () => shop.api.GET(`${CAMPAIGNS}/{campaign_id}/deliveries`, { params: { path: { campaign_id: id } } });
      await eventually(async () => expect((await states()).data!.data.map((row) => [row.customer_id, row.status, row.attempts > 0]).sort()).toEqual(['ada', 'bob'].map((one) => [one, one === told ? 'accepted' : 'pending', true])));
      const codes = await shop.codes(id);
      expect((await shop.api.POST('/api/v1/marketing/customers/{customer_id}/merge', { params: { path: { customer_id: 'ada' } }, body: { from: 'bob' } })).response.status).toBe(200);
      smtp.refuse = undefined;
      expect(await shop.codes(id)).toEqual({ ada: codes[keeps] });
      app.clock.advance(60_000);
      await shop.done(id);
      expect([await shop.validate(codes.ada!, 'ada'), await shop.validate(codes.bob!, 'ada')]).toEqual(['ada', 'bob'].map((one) => (one === keeps ? 'valid' : 'not_found')));
      expect(smtp.recipients.filter((to) => [address('ada'), address('bob')].includes(to))).toHaveLength(1);
    });
  });
});

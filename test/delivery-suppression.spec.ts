import { encodeDeliveryId, type Mailing, type Receipt } from '#delivery';
import type { TestApp } from './support/app.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const ADDRESS = 'full@example.com';

describe('addresses that nothing is sent to any more', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  let customers: number[];
  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    smtp.refuse = undefined;
    mailings = await Mailings.of(app, newTenant());
    customers = await mailings.people([{ id: 'full', email: ADDRESS }]);
  });

  const receipt = (mailing: Mailing, type: Receipt['type'], reason?: string): Promise<unknown> => {
    const deliveryId = encodeDeliveryId({ tenantId: mailings.tenant.id, campaignNo: mailing.campaignNo, customerNo: customers[0]!, channel: 'email' });
    return mailings.inTenant((tx) => mailings.delivery.recordReceipts(tx, mailings.tenant, [{ type, deliveryId, at: app.clock.now(), ...(reason && { reason }) }]));
  };
  const bounces = async (times: number): Promise<Mailing[]> => {
    const bounced: Mailing[] = [];
    for (let n = 0; n < times; n++) {
      const mailing = await mailings.send(CONTENT, customers);
      await receipt(mailing, 'bounced', 'soft');
      bounced.push(mailing);
    }
    return bounced;
  };
  const next = async (overrides: Partial<Mailing> = {}) => (await mailings.ledger(await mailings.send(CONTENT, customers, overrides))).map(({ status, reason }) => reason ?? status);

  test('five soft bounces on end close an address, four do not, and the same one told twice is one', async () => {
    const bounced = await bounces(4);
    for (const mailing of bounced) await receipt(mailing, 'bounced', 'soft');
    expect(await next()).toEqual(['accepted']);
    await bounces(4);
    expect(await next()).toEqual(['accepted']);
    await bounces(5);
    expect(await next()).toEqual(['suppressed']);
    expect(await next({ type: 'transactional' })).toEqual(['suppressed']);
  });

  test('what was opened arrived, whatever a bounce says', async () => {
    const [, , opened] = await bounces(4);
    await receipt(opened!, 'opened');
    await bounces(1);
    expect(await next()).toEqual(['accepted']);
  });

  test('bounces of an address that the customer had before are not the new one’s', async () => {
    await bounces(4);
    await mailings.people([{ id: 'full', email: 'new@example.com' }]);
    await bounces(1);
    expect(await next()).toEqual(['accepted']);
  });

  test('a mailbox that the server knows nothing of is closed at once; a message refused for itself closes nothing', async () => {
    smtp.refuse = () => ({ responseCode: 550, message: '5.7.1 Spam' });
    expect(await next()).toEqual(['smtp_550_5.7.1']);
    smtp.refuse = () => ({ responseCode: 550, message: '5.1.1 No such user' });
    expect(await next()).toEqual(['smtp_550_5.1.1']);
    smtp.refuse = undefined;
    expect(await next()).toEqual(['suppressed']);
  });
});

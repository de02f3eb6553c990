import type { TestApp } from './support/app.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';
import { newTenant } from './support/tokens.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('outcomes that nobody knows, or that come late', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  let mailings: Mailings;
  beforeAll(async () => void ({ app, smtp } = await startMailer()));
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });
  beforeEach(async () => {
    mailings = await Mailings.of(app, newTenant());
    smtp.beforeReply = undefined;
    smtp.recipients.length = 0;
  });

  const outcomes = async (mailing: Awaited<ReturnType<Mailings['start']>>) => (await mailings.ledger(mailing)).map(({ status, reason }) => [status, reason]);

  test('a "later" after the lease ran out leaves it unknown: the mailing is over', async () => {
    const [ada, ben] = await mailings.named('ada', 'ben');
    const [came, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    smtp.beforeReply = (to) => (to === mailings.address('ada') ? (came.resolve(), answer.promise) : undefined);
    const mailing = await mailings.start(CONTENT, [ada!]);
    await came.promise;
    app.clock.advance(301_000);
    await mailings.finished(mailing);
    expect(await outcomes(mailing)).toEqual([['unknown', 'worker_lost']]);
    answer.reject(Object.assign(new Error('4.7.1 Greylisted'), { responseCode: 451 }));
    await mailings.send(CONTENT, [ben!]); // the lane is free again: the answer was written down
    expect(await outcomes(mailing)).toEqual([['unknown', 'worker_lost']]);
    expect(await mailings.counters(mailing)).toEqual({ unknown: 1 });
  });

  test('what may have come today counts for the frequency cap, however old its campaign', async () => {
    const { response } = await app.api(['tenant_admin'], mailings.tenant.name).PATCH('/api/v1/marketing/settings', { body: { frequency_cap: { max: 1, per_days: 7 } } });
    expect(response.status).toBe(200);
    const [ada] = await mailings.named('ada');
    smtp.beforeReply = (_, session) => smtp.drop(session);
    const first = await mailings.send(CONTENT, [ada!]);
    smtp.beforeReply = undefined;
    await app.sql(`UPDATE mailings SET started_at = started_at - interval '10 days' WHERE tenant_id = $1`, [mailings.tenant.id]);
    app.clock.advance(HOUR);
    const second = await mailings.send(CONTENT, [ada!]);
    expect([(await outcomes(first))[0]![0], ...(await outcomes(second))]).toEqual(['unknown', ['skipped', 'frequency_cap']]);
    app.clock.advance(7 * DAY);
    expect(await outcomes(await mailings.send(CONTENT, [ada!]))).toEqual([['accepted', null]]);
  });
});

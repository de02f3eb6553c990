import { PersonalData, type TimelineEntry } from '#customers';
import type { TestApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { CONTENT, Mailings, startMailer } from './support/mailings.js';
import type { TestSmtp } from './support/smtp.js';

describe('what other domains learn from the ledger', () => {
  let smtp: TestSmtp;
  let app: TestApp;
  beforeAll(async () => {
    ({ app, smtp } = await startMailer());
  });
  afterAll(async () => {
    await app.close();
    await smtp.close();
  });

  test('segments may ask what came of campaigns; a person may ask what they were sent, and be forgotten', async () => {
    const mailings = await Mailings.of(app);
    const [ada, bob] = (await mailings.people([{ id: 'ada', email: 'ada@example.com' }, { id: 'bob', email: 'bob@example.com' }, { id: 'eve', email: 'eve@example.com' }])) as [number, number];
    const mailing = await mailings.send(CONTENT, [ada, bob]);
    await mailings.receive(mailing, ada, 'clicked');

    const size = async (criteria: object) => (await app.api().POST('/api/v1/marketing/segments/preview', { body: { criteria } as never })).data?.size;
    const inCampaign = { in: [mailing.campaignId] };
    expect(await size({ 'campaign.received': inCampaign })).toBe(2);
    expect(await size({ 'campaign.opened': inCampaign })).toBe(1);
    expect(await size({ all: [{ 'campaign.received': inCampaign }, { not: { 'campaign.clicked': inCampaign } }] })).toBe(1);
    expect(await size({ 'campaign.converted': { exists: false } })).toBe(3);
    await mailings.inTenant((tx) => mailings.delivery.forgetCampaign(tx, mailings.tenant, mailing.campaignNo)); // as when it is deleted
    expect(await size({ 'campaign.received': inCampaign })).toBe(2);

    const known = app.nest.get(PersonalData, { strict: false }).sources.find(({ name }) => name === 'deliveries')!;
    const [exported, timeline] = await mailings.inTenant<[unknown, TimelineEntry[]]>(async (tx) => {
      const all = [await known.export(tx, mailings.tenant, ada), await known.timelines.delivery!(tx, mailings.tenant, ada, 10, { at: null, key: null })];
      await known.erase(tx, mailings.tenant, ada);
      return all;
    });
    expect(exported).toMatchObject({ messages: [{ campaign_id: mailing.campaignId, channel: 'email', status: 'accepted' }], hits: [{ kind: 'click' }] });
    expect(timeline.map(({ data }) => data.what).sort()).toEqual(['accepted', 'clicked', 'delivered', 'opened']);
    const addresses = () => app.sql('SELECT 1 FROM mailing_addresses WHERE tenant_id = $1 AND customer_no = $2', [mailings.tenant.id, ada]);
    expect(await addresses()).toHaveLength(1); // a hash, for bounces that are still to come
    const [job] = await app.sql(`UPDATE pgboss.job SET start_after = now() WHERE name = 'mailing-addresses-forget' AND start_after > now() + interval '29 days' RETURNING data`);
    expect(JSON.stringify(job)).toContain(`"customer_no":${ada}`);
    await eventually(async () => expect(await addresses()).toEqual([]));
    expect(await app.sql('SELECT 1 FROM delivery_hits WHERE tenant_id = $1 AND customer_no = $2', [mailings.tenant.id, ada])).toEqual([]);
    expect(await mailings.counters(mailing)).toMatchObject({ sent: 2, clicked: 1 }); // the campaign's numbers stand
  });
});

import { startApp, type TestApp } from './support/app.js';
import { newTenant } from './support/tokens.js';

const BASE = '/api/v1/marketing';

describe('segments that ask what came of campaigns', () => {
  let app: TestApp;
  let tenant: string;
  beforeAll(async () => void (app = await startApp()));
  afterAll(() => app.close());
  beforeEach(() => void (tenant = newTenant()));

  const api = () => app.api(['tenant_admin'], tenant);
  const draft = async () => (await api().POST(`${BASE}/campaigns`, { body: { name: 'A', type: 'newsletter', channels: ['email'], segment_id: 'seg_all_customers' } })).data!.id;
  const preview = (criteria: object) => api().POST(`${BASE}/segments/preview`, { body: { criteria: criteria as never } });
  const create = (criteria: object) => api().POST(`${BASE}/segments`, { body: { name: 'S', type: 'dynamic', criteria: criteria as never } });

  test('name campaigns that exist: each other one is a fault at its place, with all others', async () => {
    const id = await draft();
    expect((await preview({ 'campaign.opened': { in: [id] } })).data).toMatchObject({ size: 0 });
    expect((await preview({ 'campaign.opened': { exists: true } })).data).toMatchObject({ size: 0 });
    const wrong = { all: [{ 'campaign.received': 'camp_none' }, { not: { 'campaign.clicked': { nin: [id, 'camp_none'] } } }, { any: [{ 'campaign.converted': { eq: 'camp_none' } }, { nonsense: 1 }] }] };
    for (const { error } of [await preview(wrong), await create(wrong)]) {
      expect(error).toMatchObject({ status: 400, code: 'invalid_segment_criteria' });
      expect(error!.errors!.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
        '/criteria/all/0/campaign.received unknown_campaign', '/criteria/all/1/not/campaign.clicked/nin/1 unknown_campaign',
        '/criteria/all/2/any/0/campaign.converted/eq unknown_campaign', '/criteria/all/2/any/1/nonsense unknown_field',
      ]);
    }
    expect((await preview({ 'campaign.opened': '' })).error!.errors).toMatchObject([{ pointer: '/criteria/campaign.opened', code: 'invalid_value' }]); // once
    tenant = newTenant();
    expect((await preview({ 'campaign.opened': { in: [id] } })).error).toMatchObject({ errors: [{ pointer: '/criteria/campaign.opened/in/0', code: 'unknown_campaign' }] });
  });

  test('stay as they are when a campaign that was never sent is deleted: nobody received it', async () => {
    await api().PUT(`${BASE}/customers/{customer_id}`, { params: { path: { customer_id: 'ada' } }, body: {} });
    const campaign_id = await draft();
    const criteria = { not: { 'campaign.received': { in: [campaign_id] } } };
    const { data: segment } = await create(criteria);
    expect(segment!.size).toBe(1);
    expect((await api().DELETE(`${BASE}/campaigns/{campaign_id}`, { params: { path: { campaign_id } } })).response.status).toBe(204);
    const at = { params: { path: { segment_id: segment!.id } } };
    expect((await api().POST(`${BASE}/segments/{segment_id}/refresh`, at)).response.ok).toBe(true);
    expect((await api().GET(`${BASE}/segments/{segment_id}`, at)).data).toMatchObject({ size: 1, criteria });
    expect((await api().PATCH(`${BASE}/segments/{segment_id}`, { ...at, body: { name: 'T' } })).data).toMatchObject({ name: 'T', size: 1 });
    // What GET gives can be given back, tried and copied; and who never knew the campaign does not.
    expect((await api().PATCH(`${BASE}/segments/{segment_id}`, { ...at, body: { criteria: criteria as never } })).data).toMatchObject({ criteria, size: 1 });
    expect((await preview(criteria)).data).toMatchObject({ size: 1 });
    expect((await preview(criteria.not)).data).toMatchObject({ size: 0 });
    expect((await create(criteria)).data).toMatchObject({ size: 1 });
    expect((await api().GET(`${BASE}/campaigns/{campaign_id}/deliveries`, { params: { path: { campaign_id } } })).response.status).toBe(404);
    tenant = newTenant();
    expect((await preview(criteria)).error).toMatchObject({ errors: [{ pointer: '/criteria/not/campaign.received/in/0', code: 'unknown_campaign' }] });
  });
});

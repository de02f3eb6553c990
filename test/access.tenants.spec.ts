import { startApp, type TestApp } from './support/app.js';
import { bodyExamples, fill, GUARDED, type Operation, takesJson, title } from './support/operations.js';
import { newTenant, token } from './support/tokens.js';

const BASE = '/api/v1/marketing';

/** Ids of the form that each parameter has, of things nobody made. */
const UNKNOWN: Record<string, string> = {
  campaign_id: 'camp_00000000000000000000000000',
  segment_id: 'seg_00000000000000000000000000',
  promo_id: 'promo_00000000000000000000000000',
  redemption_id: 'red_00000000000000000000000000',
  import_id: 'imp_00000000000000000000000000',
  delivery_id: 'dlv_00000000000000000000000000',
  event_id: '0',
  customer_id: 'nobody',
  code: 'NOBODYS',
};

describe('another tenant’s objects are answered exactly like ones that do not exist', () => {
  let app: TestApp;
  const [owner, stranger] = [newTenant(), newTenant()];
  const theirs: Record<string, string> = { ...UNKNOWN, customer_id: 'guest_of_the_owner', code: 'OWNERS10' };
  const mine: Record<string, string> = {};

  const send = (tenant: string, method: string, path: string, body?: unknown, type = 'application/json') =>
    app.fetch(path.startsWith('/') ? path : `${BASE}/${path}`, {
      method,
      token: token(tenant),
      ...(body !== undefined && { headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });

  async function make(tenant: string, path: string, body: unknown, type?: string): Promise<string> {
    const response = await send(tenant, 'POST', path, body, type);
    const made = (await response.json()) as { id: string };
    expect([path, response.status, made.id]).toEqual([path, expect.any(Number), expect.any(String)]);
    return made.id;
  }

  beforeAll(async () => {
    app = await startApp();
    await send(owner, 'PUT', `customers/${theirs.customer_id}`, { email: 'guest@example.com', consents: { email: { status: 'subscribed' } } });
    theirs.segment_id = await make(owner, 'segments', { name: 'Theirs', type: 'static' });
    await send(owner, 'POST', `segments/${theirs.segment_id}/members`, { customer_ids: [theirs.customer_id] });
    theirs.campaign_id = await make(owner, 'campaigns', { name: 'Theirs', type: 'newsletter', channels: ['email'], segment_id: theirs.segment_id, content: { subject: 'a', body: 'b' } });
    theirs.promo_id = await make(owner, 'promos', { code: theirs.code, type: 'percentage', value: 10 });
    const order = { id: 'order_1', items: [{ id: 'line_1', quantity: 1, unit_price: 20 }] };
    theirs.redemption_id = await make(owner, 'promos/redemptions', { code: theirs.code, customer_id: theirs.customer_id, order });
    theirs.import_id = await make(owner, 'customers/import', 'customer_id,email\nguest_2,guest2@example.com\n', 'text/csv');
    mine.segment_id = await make(stranger, 'segments', { name: 'Mine', type: 'static' });
    mine.campaign_id = await make(stranger, 'campaigns', { name: 'Mine', type: 'newsletter', channels: ['email'], segment_id: mine.segment_id });
    mine.promo_id = await make(stranger, 'promos', { code: 'MINE10', type: 'percentage', value: 10 });
  });
  afterAll(() => app.close());

  /** The answer, without what two answers may differ in: the id that was asked for, the request's id, and instants. */
  async function answer(response: Response, ids: Record<string, string>): Promise<unknown> {
    let text = await response.text();
    for (const [name, id] of Object.entries(ids)) if (id.length > 3) text = text.replaceAll(id, `<${name}>`);
    text = text.replace(/"request_id":"[^"]*"/, '"request_id":""').replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '<instant>');
    return [response.status, text];
  }

  /** Everything the owner can see of their own. */
  async function ownersView(): Promise<unknown[]> {
    const views = ['campaigns', 'segments', 'promos', 'customers', `campaigns/${theirs.campaign_id}`, `segments/${theirs.segment_id}/members`, `promos/${theirs.promo_id}/stats`, `promos/redemptions/${theirs.redemption_id}`, `customers/${theirs.customer_id}`];
    return Promise.all(views.map(async (view) => (await send(owner, 'GET', view)).json()));
  }

  const withId = GUARDED.filter(({ path }) => path.includes('_id}'));

  test.each(withId.map((operation): [string, Operation] => [title(operation), operation]))('in the path: %s', async (_, operation) => {
    const before = await ownersView();
    const [, example] = bodyExamples(operation)[0] ?? ['', {}];
    const body = takesJson(operation) ? example : operation.requestBody && 'customer_id\nnobody\n';
    const type = takesJson(operation) ? undefined : 'text/csv';
    const ask = async (ids: Record<string, string>) => {
      const path = fill(operation.path, (name) => ids[name] ?? 'sendgrid');
      return answer(await send(stranger, operation.method, path, body, type), ids);
    };
    const unknown = await ask(UNKNOWN);
    expect(await ask(theirs)).toEqual(unknown);
    // A PUT makes what is not there; erasure leaves nothing behind whether there was something or not.
    if (!['upsertCustomer', 'eraseCustomer'].includes(operation.operationId)) expect(unknown).toEqual([404, expect.stringContaining('_not_found')]);
    expect(await ownersView()).toEqual(before);
  });

  const order = { id: 'order_9', items: [{ id: 'line_1', quantity: 1, unit_price: 20 }] };
  const campaign = { name: 'A', type: 'newsletter', channels: ['email'] };
  const elsewhere: [string, string, (ids: Record<string, string>) => [path: string, body?: unknown]][] = [
    ['POST', 'a campaign’s segment', ({ segment_id }) => ['campaigns', { ...campaign, segment_id }]],
    ['PATCH', 'a changed campaign’s segment', ({ segment_id }) => [`campaigns/${mine.campaign_id}`, { segment_id }]],
    ['POST', 'a promo’s segment', ({ segment_id }) => ['promos', { code: 'FORTHEM', type: 'percentage', value: 5, customer_segment_id: segment_id }]],
    ['PATCH', 'a changed promo’s segment', ({ segment_id }) => [`promos/${mine.promo_id}`, { customer_segment_id: segment_id }]],
    ['POST', 'a segment within criteria', ({ segment_id }) => ['segments', { name: 'B', type: 'dynamic', criteria: { segment: { in: [segment_id] } } }]],
    ['POST', 'a segment within a preview', ({ segment_id }) => ['segments/preview', { criteria: { segment: { in: [segment_id] } } }]],
    ['POST', 'a member', ({ customer_id }) => [`segments/${mine.segment_id}/members`, { customer_ids: [customer_id] }]],
    ['DELETE', 'a member to remove', ({ customer_id }) => [`segments/${mine.segment_id}/members/${customer_id}`]],
    ['POST', 'a code to validate', ({ code }) => ['promos/validate', { code, order }]],
    ['POST', 'a code to redeem', ({ code }) => ['promos/redemptions', { code, order }]],
    ['GET', 'deliveries of a customer', ({ customer_id }) => [`campaigns/${mine.campaign_id}/deliveries?customer_id=${customer_id}`]],
    ['GET', 'customers by search', ({ customer_id }) => [`customers?q=${customer_id}`]],
    ['GET', 'promos by code', ({ code }) => [`promos?code=${code}`]],
  ];

  test.each(elsewhere)('in a body or query: %s %s', async (method, _, request) => {
    const before = await ownersView();
    const ask = async (ids: Record<string, string>) => {
      const [path, body] = request(ids);
      return answer(await send(stranger, method, path, body), ids);
    };
    expect(await ask(theirs)).toEqual(await ask(UNKNOWN));
    expect(await ownersView()).toEqual(before);
  });

  test('a cursor of one tenant’s list opens nothing of it to another', async () => {
    const { meta } = (await (await send(owner, 'GET', 'segments?limit=1')).json()) as { meta: { next_cursor: string } };
    const { data } = (await (await send(stranger, 'GET', `segments?cursor=${meta.next_cursor}`)).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).not.toContain(theirs.segment_id);
  });

  test('the same code, customer and key are each tenant’s own', async () => {
    const key = { 'idempotency-key': 'the-same-key', 'content-type': 'application/json' };
    const post = (tenant: string) => app.fetch(`${BASE}/promos`, { method: 'POST', token: token(tenant), headers: key, body: JSON.stringify({ code: 'BOTH', type: 'percentage', value: 1 }) });
    const [first, second] = [await post(owner), await post(stranger)];
    expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([201, 201, null]);
    expect(((await first.json()) as { id: string }).id).not.toBe(((await second.json()) as { id: string }).id);
  });
});

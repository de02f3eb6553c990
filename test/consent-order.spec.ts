import fc from 'fast-check';
import { Suppressions } from '#customers';
import { Database } from '#database';
import { startApp, type TestApp } from './support/app.js';
import { tenantOf } from './support/customers.js';
import { eventually } from './support/eventually.js';
import { newTenant } from './support/tokens.js';
import { WebhookSender } from './support/webhook-sender.js';

interface Statement {
  status: 'subscribed' | 'unsubscribed';
  day: number;
  via: 'put' | 'batch' | 'webhook';
}

const statement: fc.Arbitrary<Statement> = fc.record({ status: fc.constantFrom('subscribed', 'unsubscribed'), day: fc.integer({ min: 1, max: 4 }), via: fc.constantFrom('put', 'batch', 'webhook') });

const at = (day: number): string => `2026-03-0${day}T00:00:00.000Z`;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]));
}

/** The customer's last word; of two at one instant the opt-out. */
function lastWord(statements: readonly Statement[]): { status: string; at: string } {
  const last = [...statements].sort((a, b) => a.day - b.day || (a.status < b.status ? -1 : 1)).at(-1)!;
  return { status: last.status, at: at(last.day) };
}

describe('what customers said of their consent', () => {
  let app: TestApp;
  beforeAll(async () => void (app = await startApp({ worker: true })));
  afterAll(() => app.close());

  test('comes to the same in whatever order and by whatever way it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(statement, { minLength: 2, maxLength: 4 }), async (statements) => {
        const tenant = newTenant();
        const api = app.api(['tenant_admin'], tenant);
        const sender = await WebhookSender.connect(app, 'mailchimp', tenant);
        const orders = permutations(statements);
        const customer_id = (index: number): string => `c${index}`;
        const email = (index: number): string => `${tenant}-${index}@example.com`;
        await api.POST('/api/v1/marketing/customers/batch', { body: { customers: orders.map((_, index) => ({ customer_id: customer_id(index), email: email(index) })) } });
        for (let step = 0; step < statements.length; step++) {
          const said = orders.map((order, index) => ({ index, ...order[step]! }));
          const consents = ({ status, day }: Statement) => ({ email: { status, at: at(day) } });
          const batch = said.filter(({ via }) => via === 'batch').map((one) => ({ customer_id: customer_id(one.index), consents: consents(one) }));
          if (batch.length > 0) await api.POST('/api/v1/marketing/customers/batch', { body: { customers: batch } });
          for (const one of said.filter(({ via }) => via === 'put')) {
            await api.PUT('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: customer_id(one.index) } }, body: { consents: consents(one) } });
          }
          const events = said.filter(({ via }) => via === 'webhook').map(({ index, status, day }) => ({ event_type: status, email: email(index), timestamp: at(day) }));
          if (events.length === 0) continue;
          await sender.post(events);
          await eventually(async () => expect(await app.sql(`SELECT 1 FROM webhook_events WHERE status = 'pending'`)).toEqual([]));
        }
        const owner = await tenantOf(app, tenant);
        const suppressed = await app.nest.get(Database).inTenant(owner, (tx) => app.nest.get(Suppressions, { strict: false }).suppressed(tx, owner, 'email', orders.map((_, index) => email(index))));
        const expected = lastWord(statements);
        for (const [index] of orders.entries()) {
          const { data } = await api.GET('/api/v1/marketing/customers/{customer_id}', { params: { path: { customer_id: customer_id(index) } } });
          expect([orders[index], data!.consents.email, suppressed.has(email(index))]).toEqual([orders[index], expect.objectContaining(expected), expected.status === 'unsubscribed']);
        }
      }),
      { numRuns: 20 },
    );
  }, 180_000);
});

import { newId } from '#kernel';
import type { Api, TestApp } from './app.js';
import { eventually } from './eventually.js';
import { type Posted, startReceiver, type TestReceiver } from './receiver.js';
import { newTenant } from './tokens.js';

const ONE = '/api/v1/marketing/event-subscriptions/{subscription_id}';

/** What a subscription needs to reach receivers on this machine. */
export const OPEN_ENV = { ALLOW_PRIVATE_TARGETS: '1' };

/** A tenant's own service that subscribed to events, and verifies what comes. */
export class Subscriber {
  private till: Promise<unknown> | undefined;

  private constructor(
    readonly app: TestApp,
    readonly tenant: string,
    readonly receiver: TestReceiver,
    readonly id: string,
  ) {}

  static async of(app: TestApp, events: string[], { tenant = newTenant(), url }: { tenant?: string; url?: string } = {}): Promise<Subscriber> {
    const api = app.api(['tenant_admin'], tenant);
    const receiver = await startReceiver();
    const { data, error } = await api.POST('/api/v1/marketing/event-subscriptions', { body: { url: url ?? receiver.url, events: events as never } });
    if (data === undefined) throw new Error(JSON.stringify(error));
    receiver.secret = data.secret!;
    return new Subscriber(app, tenant, receiver, data.id);
  }

  /** With a token that is good by the application's clock, wherever the test has put it. */
  get api(): Api {
    return this.app.api(['tenant_admin'], this.tenant);
  }

  get path() {
    return { params: { path: { subscription_id: this.id } } };
  }

  get messages(): Posted[] {
    return this.receiver.messages;
  }

  /** The bodies of the messages that came, once there are so many. */
  bodies(count: number): Promise<Posted['body'][]> {
    return eventually(() => {
      expect(this.messages).toHaveLength(count);
      return this.messages.map(({ body }) => body);
    });
  }

  async show() {
    return (await this.api.GET(ONE, this.path)).data!;
  }

  async change(body: { active?: boolean; url?: string; events?: string[] }) {
    return (await this.api.PATCH(ONE, { ...this.path, body: body as never })).data!;
  }

  async attempts(status?: 'succeeded' | 'failed') {
    const { data } = await this.api.GET(`${ONE}/attempts`, { params: { ...this.path.params, query: { status, limit: 100 } } });
    return data!.data;
  }

  /** The log, once it has so many entries. */
  logged(count: number) {
    return eventually(async () => {
      const attempts = await this.attempts();
      expect(attempts).toHaveLength(count);
      return attempts;
    });
  }

  retry(attempt_id: string) {
    return this.api.POST(`${ONE}/attempts/{attempt_id}/retry`, { params: { path: { subscription_id: this.id, attempt_id } } });
  }

  /** Makes something happen that the tenant may be told of: a redemption. */
  async redeem(customer_id: string): Promise<void> {
    this.till ??= this.api.POST('/api/v1/marketing/promos', { body: { code: 'SAVE10', type: 'percentage', value: 10 } });
    await this.till;
    const order = { id: newId('order'), items: [{ id: 'l1', quantity: 1, unit_price: 20 }] };
    const { response } = await this.api.POST('/api/v1/marketing/promos/redemptions', { body: { code: 'SAVE10', customer_id, order } });
    expect(response.status).toBe(201);
  }
}

import { startApp } from './support/app.js';
import { eventually } from './support/eventually.js';
import { OPEN_ENV, Subscriber } from './support/subscriber.js';

test('jobs that have piled up while no worker was there are done one after the other, without a pause', async () => {
  const app = await startApp({ env: OPEN_ENV });
  const subscriber = await Subscriber.of(app, ['promo.redeemed']);
  const customers = Array.from({ length: 60 }, (_, n) => `guest${n}`);
  for (const customer of customers) await subscriber.redeem(customer);
  const worker = await startApp({ worker: true, env: OPEN_ENV });
  try {
    await eventually(() => expect(new Set(subscriber.messages.map(({ body }) => body.data.customer_id))).toEqual(new Set(customers)), { within: 15_000 });
  } finally {
    await Promise.all([worker.close(), app.close(), subscriber.receiver.close()]);
  }
}, 60_000);

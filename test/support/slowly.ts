import { Database } from '#database';
import type { TestApp } from './app.js';

/** Has the app do it, and holds its transaction open, all work done, until it is let go; that gives what it answered. */
export async function slowly<Result>(app: TestApp, work: () => Promise<Result>): Promise<() => Promise<Result>> {
  const database = app.nest.get(Database);
  const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const inTenant = database.inTenant.bind(database);
  database.inTenant = (tenant, inside) =>
    inTenant(tenant, async (tx) => {
      const result = await inside(tx);
      held.resolve();
      await gate.promise;
      return result;
    });
  const done = work();
  await held.promise;
  delete (database as Partial<Database>).inTenant;
  return () => (gate.resolve(), done);
}

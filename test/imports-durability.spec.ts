import pg from 'pg';
import { startApp, type TestApp } from './support/app.js';
import { specDatabase } from './support/database.js';
import { TestImports } from './support/imports.js';
import { newTenant } from './support/tokens.js';

/** How PostgreSQL waits for its disk at the COMMIT of whatever moves an import. */
const PROBE = `
  CREATE TABLE probe (processed int, wait text);
  CREATE FUNCTION probe() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN INSERT INTO probe VALUES (NEW.processed, current_setting('synchronous_commit')); RETURN NULL; END $$;
  CREATE CONSTRAINT TRIGGER probe AFTER UPDATE ON imports DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION probe()`;

describe('an import', () => {
  let app: TestApp;
  beforeAll(async () => {
    const owner = new pg.Client({ connectionString: await specDatabase() });
    await owner.connect();
    await owner.query(`ALTER DATABASE ${owner.database} SET synchronous_commit = 'local'; ${PROBE}`);
    await owner.end();
    app = await startApp({ worker: true });
  });
  afterAll(() => app.close());

  test('does not wait for the disk between its chunks, which would be done again; it does before it is told to have ended', async () => {
    const rows = Array.from({ length: 2500 }, (_, n) => `c${n}`);
    await new TestImports(app, newTenant()).run(['customer_id', ...rows].join('\n'));
    expect(await app.sql('SELECT DISTINCT processed, wait FROM probe ORDER BY processed')).toEqual([
      { processed: 0, wait: 'local' }, { processed: 1000, wait: 'off' }, { processed: 2000, wait: 'off' }, { processed: 2500, wait: 'local' },
    ]);
  });
});

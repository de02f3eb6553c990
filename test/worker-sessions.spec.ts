import pg from 'pg';
import { WorkerSession } from '#jobs';
import { testEnv } from './support/app.js';
import { specDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';

test('two workers that look at the same instant agree on who is gone', async () => {
  const url = await specDatabase();
  const [one, other, third] = [new WorkerSession(testEnv(url)), new WorkerSession(testEnv(url)), new WorkerSession(testEnv(url))] as const;
  const [sql, holder] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
  await Promise.all([sql.connect(), holder.connect()]);
  try {
    await Promise.all([one.look(), other.look(), third.look()]);
    await sql.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND objid = $1::int::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, [third.number]);
    await holder.query('BEGIN');
    await holder.query('SELECT FROM worker_sessions WHERE session_no = $1 FOR UPDATE', [third.number]);
    const looks = Promise.all([one.look(), other.look()]);
    await eventually(async () => expect((await sql.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).rowCount).toBe(2));
    await holder.query('COMMIT');
    await looks;
    expect((await sql.query('SELECT lost_at IS NOT NULL AS lost FROM worker_sessions WHERE session_no = $1', [third.number])).rows).toEqual([{ lost: true }]);
  } finally {
    await Promise.all([one, other, third].map((session) => session.onApplicationShutdown()));
    await Promise.all([sql.end(), holder.end()]);
  }
});

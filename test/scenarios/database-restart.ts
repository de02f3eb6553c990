import type { Figure } from '#test/bench/bench';
import { atMost, reported } from '#test/bench/figures';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import type { OpenScene } from './scene.js';
import { audit, countOf, exactly } from './verdicts.js';

const RECIPIENTS = 6_000;
const WORKERS = 2;
/** A claim that nobody knows of is waited for. */
const MOST_SECONDS = 90;
const RESTARTS = ['immediate', 'fast'] as const;

/** PostgreSQL is restarted twice in the middle of a campaign: as by a crash, and as by an operator. */
export async function* databaseRestart(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const { restartDatabase } = scene;
    if (restartDatabase === null) return yield reported('database-restart', 'BENCH_DATABASE_URL is not ours to restart');
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    const workers: { pid: number }[] = [];
    while (workers.length < WORKERS) workers.push(await scene.startWorker());
    const id = await account.campaign();
    for (const [nth, mode] of RESTARTS.entries()) {
      await patiently('the workers send', 120, () => smtp.recipients.length >= ((nth + 1) * RECIPIENTS) / (RESTARTS.length + 1));
      await restartDatabase(mode);
    }
    const restarted = performance.now();
    await account.finished(id, 400);
    const seconds = (performance.now() - restarted) / 1000;
    const rows = yield* audit('database-restart', account, id, smtp.recipients, { audience: RECIPIENTS });
    yield exactly('database-restart: unknown, since no worker died', countOf(rows, 'unknown'), 0);
    yield atMost('database-restart: from the last one to the end', [seconds], MOST_SECONDS, 's');
    yield exactly('database-restart: processes that ended of it', [...workers, scene.api].filter(({ pid }) => !lives(pid)).length, 0);
  } finally {
    await smtp.close();
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

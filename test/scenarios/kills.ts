import type { Figure } from '#test/bench/bench';
import { atMost } from '#test/bench/figures';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import type { OpenScene } from './scene.js';
import { audit, countOf, noMoreThan } from './verdicts.js';

const RECIPIENTS = 10_000;
const KILLS = 10;
/** Rows that a worker may be calling for at once. */
const IN_FLIGHT = 100;

/** The worker is killed ten times in the middle of a campaign. */
export async function* kills(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    let worker = await scene.startWorker();
    const id = await account.campaign();
    for (let kill = 1; kill <= KILLS; kill++) {
      await patiently('the worker sends', 60, () => smtp.recipients.length >= (kill * RECIPIENTS) / (KILLS + 1));
      await worker.kill();
      worker = await scene.startWorker();
    }
    const restarted = performance.now();
    await account.finished(id);
    const seconds = (performance.now() - restarted) / 1000;
    const rows = yield* audit('kills', account, id, smtp.recipients, { audience: RECIPIENTS });
    yield noMoreThan(`kills: unknown, after ${KILLS}`, countOf(rows, 'unknown'), IN_FLIGHT * KILLS);
    yield atMost('kills: from the last start of the worker to the end', [seconds], 60, 's');
  } finally {
    await smtp.close();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '#test/bench/bench';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import type { OpenScene } from './scene.js';
import { audit, countOf, exactly } from './verdicts.js';

const RECIPIENTS = 5_000;
const PAUSES = 20;
/** From the answer to a pause on. */
const LAST_CALL_MS = 1_000;
const LOOK_MS = 700;

/** Somebody pauses and resumes twenty times. */
export async function* pauses(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  const calls: number[] = [];
  smtp.beforeReply = () => void calls.push(performance.now());
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    await scene.startWorker();
    const id = await account.campaign();
    let late = 0;
    let sending = 0;
    for (let pause = 0; pause < PAUSES; pause++) {
      const before = calls.length;
      await patiently('it is sent', 60, () => calls.length > before || pause === 0);
      await sleep(Math.random() * 150);
      await account.request('POST', `/campaigns/${id}/pause`);
      const answered = performance.now();
      if (smtp.recipients.length < RECIPIENTS) sending += 1;
      await sleep(LAST_CALL_MS + LOOK_MS);
      late += calls.filter((at) => at > answered + LAST_CALL_MS).length;
      await account.request('POST', `/campaigns/${id}/resume`);
    }
    await account.finished(id);
    yield exactly(`pauses: of ${PAUSES}, in the middle of sending`, sending, PAUSES);
    yield exactly('pauses: calls later than 1 s after the answer to a pause', late, 0);
    const rows = yield* audit('pauses', account, id, smtp.recipients, { audience: RECIPIENTS });
    yield exactly('pauses: accepted in the end', countOf(rows, 'accepted'), RECIPIENTS);
  } finally {
    await smtp.close();
  }
}

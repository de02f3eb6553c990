import type { Figure } from '#test/bench/bench';
import { startSmtp } from '#test/support/smtp';
import type { OpenScene } from './scene.js';
import { audit, exactly } from './verdicts.js';

const RECIPIENTS = 5_000;
const WORKERS = 4;
const STARTS = 20;

/** Four workers, and twenty people who press the button at once. */
export async function* oneRun(open: OpenScene): AsyncGenerator<Figure> {
  const smtp = await startSmtp(0, { keepTexts: false });
  try {
    const scene = await open({ SMTP_URL: smtp.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    const id = await account.draft();
    for (let worker = 0; worker < WORKERS; worker++) await scene.startWorker();
    const answers = await Promise.all(Array.from({ length: STARTS }, () => account.send('POST', `/campaigns/${id}/start`)));
    yield exactly(`one-run: of ${STARTS} starts at once, done`, answers.filter(({ status }) => status === 200).length, 1);
    yield exactly('one-run: refused as already started', answers.filter(({ status }) => status === 409).length, STARTS - 1);
    await account.finished(id);
    yield* audit(`one-run, ${WORKERS} workers`, account, id, smtp.recipients, { audience: RECIPIENTS });
  } finally {
    await smtp.close();
  }
}

import type { Figure } from '#test/bench/bench';
import { startSendGrid } from '#test/support/sendgrid';
import type { Account } from './account.js';
import type { OpenScene } from './scene.js';
import { audit, countOf, exactly } from './verdicts.js';

const RECIPIENTS = 3_000;
const POISON = 1_234;

/** One recipient whom the provider refuses, with everybody who is in the same call; and one for whom the template fails. */
export async function* poison(open: OpenScene): AsyncGenerator<Figure> {
  const sendgrid = await startSendGrid();
  try {
    const scene = await open({ SENDGRID_API_KEY: 'SG.scenario', SENDGRID_API_URL: sendgrid.url });
    const account = await scene.account();
    await account.crowd(RECIPIENTS);
    await scene.startWorker();
    sendgrid.react = ({ personalizations }) => (personalizations.some(({ to }) => to[0]!.email === account.email(POISON)) ? { status: 400, body: { errors: [{ message: 'Does not contain a valid address.' }] } } : 'take');
    yield* alone('poison, refused by the provider', account, await account.campaign(), () => taken().splice(0));
    const body = `Hello {% if customer.id == "guest-${POISON}" %}{{ "x" | divided_by: 0 }}{% endif %}, lunch is served`;
    yield* alone('poison, whose template fails', account, await account.campaign({ content: { subject: 'Lunch', body } }), () => taken().splice(0));
  } finally {
    await sendgrid.close();
  }

  function taken(): string[] {
    const all = sendgrid.calls.flatMap(({ body }) => body.personalizations.map(({ to }) => to[0]!.email));
    sendgrid.calls.length = 0;
    return all;
  }
}

async function* alone(name: string, account: Account, id: string, taken: () => string[]): AsyncGenerator<Figure> {
  await account.finished(id);
  const rows = yield* audit(name, account, id, taken(), { audience: RECIPIENTS });
  yield exactly(`${name}: rejected`, countOf(rows, 'rejected'), 1);
  yield exactly(`${name}: the others accepted`, countOf(rows, 'accepted'), RECIPIENTS - 1);
}

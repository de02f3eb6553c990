import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '#test/bench/bench';
import { atLeast, atMost, median, reported } from '#test/bench/figures';
import { startSendGrid } from '#test/support/sendgrid';
import { startSmtp } from '#test/support/smtp';
import { patiently } from './patience.js';
import type { Account } from './account.js';
import type { OpenScene } from './scene.js';
import { exactly } from './verdicts.js';

const OTHERS = 3;
const RECIPIENTS = 600;
const HUNG = 10_000;
const ROUNDS = 4;

/** One tenant's provider takes calls and never answers; the others send over their own, and somebody looks at campaigns. */
export async function* hangingProvider(open: OpenScene): AsyncGenerator<Figure> {
  const [smtp, sendgrid] = [await startSmtp(0, { keepTexts: false }), await startSendGrid()];
  let hung = 0;
  sendgrid.react = () => {
    hung += 1;
    return 'never answer';
  };
  try {
    const scene = await open({ SMTP_URL: smtp.url, SENDGRID_API_URL: sendgrid.url });
    const unlucky = await scene.account('unlucky');
    await unlucky.crowd(HUNG);
    await unlucky.request('PUT', '/channels/sendgrid', { api_key: 'SG.unlucky' });
    const others: Account[] = [];
    while (others.length < OTHERS) {
      const other = await scene.account(`other-${others.length}`);
      await other.crowd(RECIPIENTS);
      others.push(other);
    }
    await scene.startWorker();
    /** Messages a second, of all others together. */
    const rate = async (): Promise<number> => {
      const began = performance.now();
      const ids = await Promise.all(others.map((other) => other.campaign()));
      await Promise.all(others.map((other, index) => other.finished(ids[index]!)));
      return (OTHERS * RECIPIENTS) / ((performance.now() - began) / 1000);
    };
    await rate(); // warms up
    const id = await unlucky.draft();
    const [alone, beside, waits]: number[][] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      alone!.push(await looking(others[0]!, [], rate));
      await unlucky.request('POST', `/campaigns/${id}/${round === 0 ? 'start' : 'resume'}`);
      if (round === 0) await patiently('the provider hangs', 30, () => hung > 0);
      beside!.push(await looking(others[0]!, waits!, rate));
      await unlucky.request('POST', `/campaigns/${id}/pause`);
    }
    yield atLeast('hanging-provider: the others’ rate beside it ÷ alone', beside!.map((one, round) => one / alone![round]!), 0.9, 'x');
    yield reported('hanging-provider: messages a second, alone and beside it', `${Math.round(median(alone!))}, ${Math.round(median(beside!))}`);
    const sorted = waits!.sort((a, b) => a - b);
    yield atMost(`hanging-provider: p99 of ${sorted.length} GET /campaigns meanwhile`, [sorted[Math.floor(sorted.length * 0.99)]!], 300, 'ms');
    yield exactly('hanging-provider: who of the others got a campaign twice', smtp.recipients.length - (1 + 2 * ROUNDS) * OTHERS * RECIPIENTS, 0);
  } finally {
    await sendgrid.close();
    await smtp.close();
  }
}

/** Looks at the list of campaigns, ten times a second while something is done, and notes how long each look takes. */
async function looking<Result>(account: Account, waits: number[], work: () => Promise<Result>): Promise<Result> {
  let done = false;
  const looks = (async () => {
    for (; !done; await sleep(100)) {
      const began = performance.now();
      await account.request('GET', '/campaigns?limit=20');
      waits.push(performance.now() - began);
    }
  })();
  try {
    return await work();
  } finally {
    done = true;
    await looks;
  }
}

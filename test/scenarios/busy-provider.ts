import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '#test/bench/bench';
import { reported } from '#test/bench/figures';
import { startTwilio } from '#test/support/twilio';
import { patiently } from './patience.js';
import type { OpenScene } from './scene.js';
import { exactly } from './verdicts.js';

const RECIPIENTS = 40_000;
const NORMAL_SECONDS = 10;
const BUSY_SECONDS = 60;
const RETRY_AFTER_SECONDS = 20;
const MOST = 0.02;

/** The provider says 503 and when to come back, for a minute, in the middle of a campaign of text messages. */
export async function* busyProvider(open: OpenScene): AsyncGenerator<Figure> {
  const twilio = await startTwilio();
  let [calls, busy] = [0, false];
  twilio.react = () => {
    calls += 1;
    return busy ? { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } } : 'take';
  };
  try {
    const scene = await open({ TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'scenario', TWILIO_API_URL: twilio.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` });
    const account = await scene.account();
    await account.request('PATCH', '/settings', { quiet_hours: { sms: null } });
    await account.crowd(RECIPIENTS);
    await scene.startWorker();
    const id = await account.campaign({ channels: ['sms'] });
    await patiently('it is sent', 60, () => calls > 100);

    const before = calls;
    await sleep(NORMAL_SECONDS * 1000);
    const normal = ((calls - before) / NORMAL_SECONDS) * BUSY_SECONDS;
    busy = true;
    await sleep(100); // calls under way are let through
    const first = calls;
    await sleep(BUSY_SECONDS * 1000);
    const during = calls - first;
    busy = false;
    const share = during / normal;
    yield { title: `busy-provider: calls in ${BUSY_SECONDS} s of 503, Retry-After ${RETRY_AFTER_SECONDS} s, ÷ of ${BUSY_SECONDS} s else`, measured: `${(share * 100).toFixed(2)} %`, bar: `≤ ${MOST * 100} %`, passed: share <= MOST };
    yield reported('busy-provider: those calls', `${during}, else ${Math.round(normal)}`);
    const taken = twilio.messages.length;
    const back = performance.now();
    await patiently('it is sent again', 120, () => twilio.messages.length > taken + 200);
    yield reported('busy-provider: from the last 503 to the next 200 messages', `${((performance.now() - back) / 1000).toFixed(1)} s`);
    await account.request('POST', `/campaigns/${id}/cancel`);
    yield exactly('busy-provider: who got it twice', twilio.messages.length - new Set(twilio.messages.map(({ form }) => form.To)).size, 0);
  } finally {
    await twilio.close();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '#test/bench/bench';
import { reported } from '#test/bench/figures';
import { startSmtp, type TestSmtp } from '#test/support/smtp';
import { startTwilio } from '#test/support/twilio';
import type { Account } from './account.js';
import { patiently } from './patience.js';
import { ProviderPosts } from './provider-posts.js';
import type { OpenScene, Scene } from './scene.js';
import { audit, countOf, exactly, noLessThan } from './verdicts.js';

const RECIPIENTS = 6_000;
/** Of so many, one wants no more: all over the audience, so that some are in a worker's hands as they say so. */
const ONE_IN = 60;
const GRACE_MS = 1_000;

/** Messages by the address, with the instant at which they came. */
type Arrivals = Map<string, number>;

/** In the middle of a campaign people unsubscribe by the link, and others text STOP, which the provider tells by a signed webhook. */
export async function* stopMidSend(open: OpenScene): AsyncGenerator<Figure> {
  const [smtp, twilio] = [await startSmtp(), await startTwilio()];
  const emails: Arrivals = new Map();
  const texts: Arrivals = new Map();
  smtp.beforeReply = (address) => void emails.set(address, performance.now());
  twilio.react = ({ To }) => {
    texts.set(To!, performance.now());
    return 'take';
  };
  try {
    const scene = await open({ SMTP_URL: smtp.url, TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'scenario', TWILIO_API_URL: twilio.url, TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` });
    const account = await scene.account();
    await account.request('PATCH', '/settings', { quiet_hours: { sms: null } });
    await account.crowd(RECIPIENTS);
    await scene.startWorker();
    const leavers = Array.from({ length: RECIPIENTS / ONE_IN }, (_, n) => (n + 1) * ONE_IN);
    yield* byLink(scene, account, smtp, emails, leavers);
    yield* byText(scene, account, texts, leavers.map((n) => `+4179${String(n).padStart(7, '0')}`));
  } finally {
    await smtp.close();
    await twilio.close();
  }
}

/** With the links of a newsletter of the day before. */
async function* byLink(scene: Scene, account: Account, smtp: TestSmtp, arrivals: Arrivals, leavers: readonly number[]): AsyncGenerator<Figure> {
  await account.finished(await account.campaign({ segment_id: await account.segment(`customer_no IN (${leavers.join()})`) }));
  const links = new Map<string, string>();
  for (const mail of await smtp.mails()) {
    const { pathname } = new URL(/<([^>]+)>/.exec(String(mail.headerLines.find(({ key }) => key === 'list-unsubscribe')!.line))![1]!);
    links.set([mail.to].flat()[0]!.text, scene.api.url + pathname);
  }
  const before = smtp.recipients.length;
  arrivals.clear();
  const id = await account.campaign();
  await patiently('it is sent', 60, () => arrivals.size > 0);
  const left = await during([...links], async ([, url]) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'List-Unsubscribe=One-Click' });
    if (!response.ok) throw new Error(`unsubscribe: ${response.status}`);
  }, ([address]) => address);
  await account.finished(id);
  yield* verdict('stop-mid-send, by the link', arrivals, left);
  yield* audit('stop-mid-send, by the link', account, id, smtp.recipients.slice(before), { audience: RECIPIENTS });
}

async function* byText(scene: Scene, account: Account, arrivals: Arrivals, numbers: readonly string[]): AsyncGenerator<Figure> {
  const posts = await ProviderPosts.connect(scene, account, 'mailchimp');
  const id = await account.campaign({ channels: ['sms'] });
  await patiently('it is sent', 60, () => arrivals.size > 0);
  const left = await during(numbers, (phone) => posts.post([{ event_type: 'sms.unsubscribed', phone }]), (phone) => phone);
  await account.finished(id);
  yield* verdict('stop-mid-send, STOP by webhook', arrivals, left);
  const rows = await account.ledger(id);
  yield exactly('stop-mid-send, STOP by webhook: rows accounted for', countOf(rows, 'accepted', 'skipped'), RECIPIENTS);
}

/** One leaves after the other. @returns when each had their answer */
async function during<Leaver>(leavers: readonly Leaver[], leave: (leaver: Leaver) => Promise<void>, addressOf: (leaver: Leaver) => string): Promise<Arrivals> {
  const left: Arrivals = new Map();
  for (const leaver of leavers) {
    await leave(leaver);
    left.set(addressOf(leaver), performance.now());
    await sleep(20);
  }
  return left;
}

function* verdict(name: string, arrivals: Arrivals, left: Arrivals): Generator<Figure> {
  const gotIt = [...left].filter(([address]) => arrivals.has(address));
  const after = gotIt.map(([address, at]) => arrivals.get(address)! - at);
  yield noLessThan(`${name}: who left before their turn came`, left.size - gotIt.length, 10);
  yield exactly(`${name}: messages to them later than 1 s after`, after.filter((ms) => ms > GRACE_MS).length, 0);
  yield reported(`${name}: messages to them within that second, of ${left.size}`, String(after.filter((ms) => ms > 0 && ms <= GRACE_MS).length));
}

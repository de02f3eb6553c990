import { randomBytes } from 'node:crypto';
import type { EmailMessage } from '../message.js';
import { CALLING_MS, type Channel, type Outcome } from './channel.js';
import { call, plain } from './provider-call.js';

/** Most personalizations per call (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations). */
const PERSONALIZATIONS = 1_000;
/** How many calls of a single message run at once. */
const LARGE_AT_ONCE = 20;
/** Most bytes of one personalization's substitutions; some are left for the tags. */
const SUBSTITUTIONS = 9_000;

/**
 * Email over SendGrid's v3 mail/send. What a mailing's messages share is sent once, and each recipient's own part as substitutions. A
 * message whose own part is too large for these goes in a call of its own; if there are many such, the rest waits for the next batch. The
 * delivery's id, and nothing about the person, travels in `custom_args`, and comes back with every event.
 */
export class SendGridChannel implements Channel<EmailMessage> {
  readonly channel = 'email';
  readonly provider = 'sendgrid';
  readonly batch = PERSONALIZATIONS;

  constructor(
    private readonly apiKey: string,
    private readonly apiUrl: string,
    readonly perSecond: number | null = null,
  ) {}

  async send(batch: readonly EmailMessage[]): Promise<Outcome[]> {
    const outcomes = new Map<EmailMessage, Outcome>();
    const [alone, together] = [batch.filter(isLarge), batch.filter((message) => !isLarge(message))];
    const calls = [...sharing(together), ...alone.map((message) => [message])];
    const until = performance.now() + CALLING_MS;
    for (let round = 0; calls.length > 0 && (round === 0 || performance.now() < until); round++) {
      const shared = calls.findIndex((messages) => messages.length > 1);
      const next = calls.splice(0, Math.max(1, Math.min(shared === -1 ? calls.length : shared, LARGE_AT_ONCE)));
      const heard = (await Promise.all(next.map((messages) => this.call(messages)))).flat();
      for (const { messages, outcome, refused } of heard) {
        // One bad address makes SendGrid refuse the whole call: halves are tried until it is alone.
        if (refused) calls.unshift(messages.slice(0, messages.length >> 1), messages.slice(messages.length >> 1));
        else for (const message of messages) outcomes.set(message, outcome);
      }
      // The next calls would fail the same way: they are put off, too.
      const failed = heard.find(({ outcome: { status } }) => status !== 'accepted' && status !== 'rejected');
      if (failed !== undefined) for (const message of calls.splice(0).flat()) outcomes.set(message, postponed(failed.outcome));
    }
    return batch.map((message) => outcomes.get(message) ?? { status: 'uncalled' });
  }

  close(): void {
    // nothing is kept open
  }

  /** One call, and the outcome of its messages; `refused` when that may be because of one of several. */
  private async call(messages: readonly EmailMessage[]): Promise<{ messages: readonly EmailMessage[]; outcome: Outcome; refused: boolean }> {
    const answer = await call('sendgrid', `${this.apiUrl}/v3/mail/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(messages.length === 1 ? single(messages[0]!) : shared(messages)),
    });
    if (answer.ok) return { messages, outcome: { status: 'accepted', providerMessageId: plain(answer.headers.get('x-message-id')) }, refused: false };
    return { messages, outcome: answer.outcome, refused: answer.outcome.status === 'rejected' && messages.length > 1 };
  }
}

const postponed = (outcome: Outcome): Outcome => (outcome.status === 'unknown' ? { status: 'retry', reason: outcome.reason, reached: false } : outcome);

/** Groups of messages with one template and one sender, which differ only in their substitutions. */
const sharing = (batch: readonly EmailMessage[]): EmailMessage[][] =>
  [...Map.groupBy(batch, ({ html }) => html.template).values()].flatMap((ofTemplate) => [...Map.groupBy(ofTemplate, ({ from }) => JSON.stringify(from)).values()]);

const isLarge = ({ html, text, subject }: EmailMessage): boolean => Buffer.byteLength(JSON.stringify([html.values, text, subject])) > SUBSTITUTIONS;

const sender = ({ from }: EmailMessage) => ({
  from: { email: from.email, ...(from.name !== null && { name: from.name }) },
  ...(from.replyTo !== null && { reply_to: { email: from.replyTo } }),
  // We track clicks and opens ourselves; a link rewritten twice would lead through two servers.
  tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false }, subscription_tracking: { enable: false } },
});

const personalization = ({ to, deliveryId, unsubscribeUrl }: EmailMessage) => ({
  to: [{ email: to }],
  custom_args: { delivery_id: deliveryId },
  headers: { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
});

const content = (text: string, html: string) => [{ type: 'text/plain', value: text }, { type: 'text/html', value: html }];

const single = (message: EmailMessage) => ({
  ...sender(message),
  subject: message.subject,
  personalizations: [personalization(message)],
  content: content(message.text, message.html.template.fill(message.html.values)),
});

function shared(batch: readonly EmailMessage[]) {
  const first = batch[0]!;
  const { template } = first.html;
  // Random for each call, so that no recipient's text can hold one of these tags.
  const mark = randomBytes(9).toString('base64url');
  const tag = (name: string): string => `[${mark}:${name}]`;
  const own = ({ subject, text, html }: EmailMessage) => Object.fromEntries([[tag('_subject'), subject], [tag('_text'), text], ...[...new Set(template.slots)].map((slot) => [tag(slot), html.values[slot]!])]) as Record<string, string>;
  return {
    ...sender(first),
    subject: tag('_subject'),
    personalizations: batch.map((message) => ({ ...personalization(message), substitutions: own(message) })),
    content: content(tag('_text'), template.fill(Object.fromEntries(template.slots.map((slot) => [slot, tag(slot)])))),
  };
}

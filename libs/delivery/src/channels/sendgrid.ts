import { randomBytes } from 'node:crypto';
import type { EmailMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { call, type Refusal } from './provider-call.js';

/** Personalizations of one call (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations). */
const PERSONALIZATIONS = 1_000;
/** Bytes that one personalization's substitutions may have; some are left for the tags. */
const SUBSTITUTIONS = 9_000;

/**
 * Email over SendGrid's v3 mail/send. What a mailing's messages share is sent once, each recipient's own part as substitutions; a
 * message with more of its own than they may hold goes in a call of its own. The delivery's id, and nothing of the person,
 * travels in `custom_args`, and comes back with every event.
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
    const tell = (messages: readonly EmailMessage[], outcome: Outcome): void => messages.forEach((message) => outcomes.set(message, outcome));
    const [alone, together] = [batch.filter(isLarge), batch.filter((message) => !isLarge(message))];
    const calls = [...alone.map((message) => [message]), ...sharing(together)];
    for (let next = calls.shift(); next !== undefined; next = calls.shift()) {
      const answer = await call('sendgrid', `${this.apiUrl}/v3/mail/send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(next.length === 1 ? single(next[0]!) : shared(next)),
      });
      if (answer.ok) tell(next, { status: 'accepted', providerMessageId: answer.headers.get('x-message-id') });
      // One bad address has the whole call refused: the halves are tried until it is alone.
      else if (answer.outcome.status === 'rejected' && next.length > 1) calls.unshift(next.slice(0, next.length >> 1), next.slice(next.length >> 1));
      else {
        tell(next, answer.outcome);
        // What befell this call would befall the next ones: they wait with it.
        if (answer.outcome.status !== 'rejected') for (const untried of calls.splice(0)) tell(untried, postponed(answer.outcome));
      }
    }
    return batch.map((message) => outcomes.get(message)!);
  }

  close(): void {
    // each call is its own
  }
}

const postponed = (outcome: Refusal): Outcome => (outcome.status === 'retry' || outcome.status === 'barred' ? outcome : { status: 'retry', reason: outcome.reason, reached: false });

/** Messages of one template and one sender, who differ in nothing but their substitutions. */
const sharing = (batch: readonly EmailMessage[]): EmailMessage[][] =>
  [...Map.groupBy(batch, ({ html }) => html.template).values()].flatMap((ofTemplate) => [...Map.groupBy(ofTemplate, ({ from }) => JSON.stringify(from)).values()]);

const isLarge = ({ html, text, subject }: EmailMessage): boolean => Buffer.byteLength(JSON.stringify([html.values, text, subject])) > SUBSTITUTIONS;

const sender = ({ from }: EmailMessage) => ({
  from: { email: from.email, ...(from.name !== null && { name: from.name }) },
  ...(from.replyTo !== null && { reply_to: { email: from.replyTo } }),
  // Ours are counted by us; rewritten twice, a link would lead through two servers.
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
  // Chosen anew for each call: no text of a recipient can hold one of these tags.
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

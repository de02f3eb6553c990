import type { SuppressionReason } from '#customers';
import type { MessageFault, SmsMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { call, plain } from './provider-call.js';

/** Twilio takes one message per call; this many calls run at once. */
const CALLS = 20;

/** Twilio's codes (https://www.twilio.com/docs/api/errors) that are about the number, not the message. */
const CLOSES: ReadonlyMap<string, SuppressionReason> = new Map([
  ['21610', 'opt_out'], // it said STOP to Twilio
  ['21211', 'hard_bounce'], // not a phone number
  ['21614', 'hard_bounce'], // not a mobile number
  ['30005', 'hard_bounce'], // the number does not exist
  ['30006', 'hard_bounce'], // a landline, or out of reach for every carrier
]);

/** Why nothing more is sent to a number after this code; undefined if it is about the message, or about a phone that is switched off. */
export const twilioCloses = (code: string): SuppressionReason | undefined => CLOSES.get(code);

/** Twilio's longest text (https://www.twilio.com/docs/api/errors/21617). */
const LONGEST = 1_600;

export interface TwilioAccount {
  accountSid: string;
  authToken: string;
}

/** Text messages over Twilio's Messages resource. The URL that it reports to has the delivery's id, and nothing about the person. */
export class TwilioChannel implements Channel<SmsMessage> {
  readonly channel = 'sms';
  readonly provider = 'twilio';
  readonly batch = CALLS;

  constructor(
    private readonly account: TwilioAccount,
    private readonly apiUrl: string,
    /** Where Twilio reports what became of a message. */
    private readonly reportUrl: (deliveryId: string) => string,
    readonly perSecond: number | null = null,
  ) {}

  refusal({ text }: SmsMessage): MessageFault | null {
    return text.length > LONGEST ? 'message_too_long' : null;
  }

  send(batch: readonly SmsMessage[]): Promise<Outcome[]> {
    return Promise.all(batch.map((message) => this.sendOne(message)));
  }

  close(): void {
    // nothing is kept open
  }

  private async sendOne(message: SmsMessage): Promise<Outcome> {
    const reason = this.refusal(message);
    if (reason !== null) return { status: 'rejected', reason };
    const { deliveryId, from, to, text } = message;
    const { accountSid, authToken } = this.account;
    const answer = await call('twilio', `${this.apiUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
      body: new URLSearchParams({
        To: to,
        [from.startsWith('MG') && from.length === 34 ? 'MessagingServiceSid' : 'From']: from,
        Body: text,
        StatusCallback: this.reportUrl(deliveryId),
      }).toString(),
    });
    if (answer.ok) return { status: 'accepted', providerMessageId: field(answer.body, 'sid') };
    if (answer.outcome.status !== 'rejected') return answer.outcome;
    const code = field(answer.body, 'code');
    const closes = twilioCloses(code ?? '');
    return { status: 'rejected', reason: code === null ? answer.outcome.reason : `twilio_${code}`, ...(closes && { closes }) };
  }
}

/** A member of Twilio's answer. Null if unreadable, which is no reason to doubt the status that came with it. */
function field(body: string, name: string): string | null {
  try {
    return plain((JSON.parse(body) as Record<string, unknown> | null)?.[name]);
  } catch {
    return null;
  }
}

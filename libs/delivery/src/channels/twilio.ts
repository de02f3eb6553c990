import type { SuppressionReason } from '#customers';
import type { SmsMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { call, plain } from './provider-call.js';

/** Twilio takes one message a call; so many calls are under way at once. */
const CALLS = 20;

/** Twilio's codes (https://www.twilio.com/docs/api/errors) that speak of the number, not of the message. */
const CLOSES: Readonly<Record<string, SuppressionReason>> = { 21610: 'opt_out', 21211: 'hard_bounce', 21614: 'hard_bounce' };

/** Twilio's longest text (https://www.twilio.com/docs/api/errors/21617). */
const LONGEST = 1_600;

export interface TwilioAccount {
  accountSid: string;
  authToken: string;
}

/** Text messages over Twilio's Messages resource. The delivery's id, and nothing of the person, is in the URL that it reports to. */
export class TwilioChannel implements Channel<SmsMessage> {
  readonly channel = 'sms';
  readonly provider = 'twilio';
  readonly batch = CALLS;

  constructor(
    private readonly account: TwilioAccount,
    private readonly apiUrl: string,
    private readonly publicUrl: string,
    readonly perSecond: number | null = null,
  ) {}

  send(batch: readonly SmsMessage[]): Promise<Outcome[]> {
    return Promise.all(batch.map((message) => this.sendOne(message)));
  }

  close(): void {
    // each call is its own
  }

  private async sendOne({ deliveryId, from, to, text }: SmsMessage): Promise<Outcome> {
    if (text.length > LONGEST) return { status: 'rejected', reason: 'message_too_long' };
    const { accountSid, authToken } = this.account;
    const answer = await call('twilio', `${this.apiUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
      body: new URLSearchParams({
        To: to,
        [from.startsWith('MG') && from.length === 34 ? 'MessagingServiceSid' : 'From']: from,
        Body: text,
        StatusCallback: `${this.publicUrl}/api/v1/marketing/webhooks/twilio?delivery_id=${deliveryId}`,
      }).toString(),
    });
    if (answer.ok) return { status: 'accepted', providerMessageId: field(answer.body, 'sid') };
    if (answer.outcome.status !== 'rejected') return answer.outcome;
    const code = field(answer.body, 'code');
    const closes = CLOSES[code ?? ''];
    return { status: 'rejected', reason: code === null ? answer.outcome.reason : `twilio_${code}`, ...(closes && { closes }) };
  }
}

/** A member of Twilio's answer. One that cannot be read is no reason to doubt the status that came with it. */
function field(body: string, name: string): string | null {
  try {
    return plain((JSON.parse(body) as Record<string, unknown> | null)?.[name]);
  } catch {
    return null;
  }
}

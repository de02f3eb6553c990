import { asksForHelp } from '../normalisers/twilio.js';
import type { Answer, Brand } from './scheme.js';

/**
 * Twilio reads the answer to an incoming message as instructions (TwiML, https://www.twilio.com/docs/messaging/twiml). There are none, except a reply to
 * HELP with the sender's name and how to opt out (CTIA Messaging Principles §5.1.3). Twilio itself replies to opt-outs.
 */
export async function answerTwilio(items: readonly unknown[], brand: Brand): Promise<Answer> {
  const help = items.some(asksForHelp) ? `<Message>${escaped(`${[await brand(), 'Reply STOP to opt out, START to opt in again.'].filter(Boolean).join(': ')}`)}</Message>` : '';
  return { status: 200, type: 'text/xml; charset=utf-8', body: `<?xml version="1.0" encoding="UTF-8"?><Response>${help}</Response>` };
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]!);

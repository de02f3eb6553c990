import type { MessageFault, PushMessage } from '../message.js';
import type { Channel, Outcome } from './channel.js';
import { GoogleTokens, type ServiceAccount } from './google-tokens.js';
import { type Answer, call, plain } from './provider-call.js';

/** FCM takes one message per call; this many calls run at once. */
const CALLS = 50;
/** How long FCM keeps a message for an app that is off, in seconds. */
const TTL = 86_400;
/** Most bytes of notification and data together (https://firebase.google.com/docs/cloud-messaging/concept-options). */
const MOST_BYTES = 4_096;

/** Where Google's services are. */
export interface GoogleUrls {
  api: string;
  token: string;
}

/** Push messages to apps over Firebase Cloud Messaging, HTTP v1. The data hold the delivery's id and the link, and nothing about the person. */
export class FcmChannel implements Channel<PushMessage> {
  readonly channel = 'push';
  readonly provider = 'fcm';
  readonly batch = CALLS;
  private readonly tokens: GoogleTokens;
  private readonly url: string;

  constructor(account: ServiceAccount, urls: GoogleUrls, readonly perSecond: number | null = null) {
    this.tokens = new GoogleTokens(account, urls.token);
    this.url = `${urls.api}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;
  }

  refusal(message: PushMessage): MessageFault | null {
    if (typeof message.subscription.fcm_token !== 'string') return 'no_provider_for_subscription';
    const { notification, data } = contentOf(message);
    return Buffer.byteLength(JSON.stringify({ notification, data })) > MOST_BYTES ? 'message_too_long' : null;
  }

  send(batch: readonly PushMessage[]): Promise<Outcome[]> {
    return Promise.all(batch.map((message) => this.sendOne(message)));
  }

  close(): void {
    // nothing is kept open
  }

  private async sendOne(message: PushMessage): Promise<Outcome> {
    const reason = this.refusal(message);
    if (reason !== null) return { status: 'rejected', reason };
    const first = await this.tokens.token();
    if (typeof first !== 'string') return first;
    const answer = await this.call(message, first);
    if (answer.ok || answer.status !== 401 || errorOf(answer.body).code === 'THIRD_PARTY_AUTH_ERROR') return outcomeOf(answer);
    // The token is no longer accepted, so nothing was sent: once more with a new one.
    this.tokens.forget(first);
    const second = await this.tokens.token();
    return typeof second === 'string' ? outcomeOf(await this.call(message, second)) : second;
  }

  private call(message: PushMessage, token: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return call('fcm', this.url, { method: 'POST', headers, body: JSON.stringify({ message: contentOf(message) }) });
  }
}

/** Sent again, it replaces the one that was shown. In a browser only an https link opens by itself; an app finds the link in the data. */
function contentOf({ deliveryId, to, title, body, url }: PushMessage) {
  return {
    token: to,
    notification: { title, body },
    data: { delivery_id: deliveryId, ...(url !== null && { url }) },
    android: { ttl: `${TTL}s`, notification: { tag: deliveryId } },
    webpush: { headers: { TTL: String(TTL) }, ...(url?.startsWith('https://') && { fcm_options: { link: url } }) },
  };
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.ok) return { status: 'accepted', providerMessageId: nameOf(answer.body) };
  const { code, field, message } = errorOf(answer.body);
  if (code === 'UNREGISTERED') return { status: 'rejected', reason: 'fcm_unregistered', closes: 'hard_bounce' };
  if (code === 'INVALID_ARGUMENT') {
    const ofToken = field === 'message.token' || message.includes('registration token');
    return { status: 'rejected', reason: ofToken ? 'fcm_invalid_token' : 'fcm_invalid_argument', ...(ofToken && { closes: 'hard_bounce' }) };
  }
  // The app belongs to another sender, or Firebase lacks its Apple or web keys: that says nothing about other messages.
  if (code === 'SENDER_ID_MISMATCH' || code === 'THIRD_PARTY_AUTH_ERROR') return { status: 'rejected', reason: `fcm_${code.toLowerCase()}` };
  if (answer.status === 404) return { status: 'barred', reason: 'fcm_404' }; // the project does not exist
  return answer.outcome;
}

interface FcmError {
  error?: { message?: string; status?: string; details?: { errorCode?: string; fieldViolations?: { field?: string }[] }[] };
}

/** FCM's own error code (https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode), and the field it is about. */
function errorOf(body: string): { code: string; field: string; message: string } {
  const { status, details, message } = parsed<FcmError>(body)?.error ?? {};
  const known = Array.isArray(details) ? details : [];
  return {
    code: String(known.find((detail) => detail.errorCode !== undefined)?.errorCode ?? status ?? ''),
    field: String(known.flatMap((detail) => detail.fieldViolations ?? [])[0]?.field ?? ''),
    message: String(message ?? ''),
  };
}

/** Null for an unreadable answer, which is no reason to doubt the status that came with it. */
function nameOf(body: string): string | null {
  return plain(parsed<{ name?: unknown }>(body)?.name);
}

function parsed<T>(body: string): T | null {
  try {
    return JSON.parse(body) as T | null;
  } catch {
    return null;
  }
}

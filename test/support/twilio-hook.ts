import { createHash, createHmac } from 'node:crypto';
import type { TestApp } from './app.js';

export type Form = Readonly<Record<string, string | readonly string[]>>;

export interface TwilioAnswer {
  status: number;
  type: string | null;
  text: string;
}

/** By Twilio's own description, in as few words as it takes (https://www.twilio.com/docs/usage/webhooks/webhooks-security). */
export function signTwilio(token: string, url: string, form: Form): string {
  const fields = Object.keys(form).sort().map((name) => [...new Set([form[name]!].flat())].sort().map((value) => name + value).join(''));
  return createHmac('sha1', token).update(url + fields.join('')).digest('base64');
}

export const encodeForm = (form: Form): string => new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]))).toString();

/** Twilio: posts to a URL that it was given, signed with an account's token. */
export class TwilioHook {
  constructor(
    private readonly app: TestApp,
    readonly url: string,
    readonly token: string,
  ) {}

  /** Connects the tenant's Twilio account and speaks for it. */
  static async connect(app: TestApp, tenant = app.tenant, token = 'the-tenants-auth-token'): Promise<TwilioHook> {
    const { data } = await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider: 'twilio' } }, body: { scheme: 'twilio', secret: token } });
    return new TwilioHook(app, data!.url, token);
  }

  /** @param over what is sent or signed otherwise than it should be */
  post(form: Form, over: { body?: string; token?: string; signature?: string; url?: string; signedUrl?: string } = {}): Promise<TwilioAnswer> {
    const signature = over.signature ?? signTwilio(over.token ?? this.token, over.signedUrl ?? this.url, form);
    return this.send(over.url ?? this.url, over.body ?? encodeForm(form), { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8', 'x-twilio-signature': signature });
  }

  /** A JSON body, whose hash is in the URL that is signed. */
  postJson(body: string, hashed = body): Promise<TwilioAnswer> {
    const url = `${this.url}${this.url.includes('?') ? '&' : '?'}bodySHA256=${createHash('sha256').update(hashed).digest('hex')}`;
    return this.send(url, body, { 'content-type': 'application/json', 'x-twilio-signature': signTwilio(this.token, url, {}) });
  }

  async send(url: string, body: string | Buffer, headers: Record<string, string>): Promise<TwilioAnswer> {
    const { pathname, search } = new URL(url);
    const response = await this.app.fetch(pathname + search, { method: 'POST', body: body as RequestInit['body'], headers, token: '' });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }
}

import { createHmac } from 'node:crypto';
import type { TestApp } from './app.js';

/** How a signature may be written. */
export const ENCODINGS = {
  'sha256=hex': (mac: Buffer) => `sha256=${mac.toString('hex')}`,
  'bare hex': (mac: Buffer) => mac.toString('hex'),
  'upper-case hex': (mac: Buffer) => mac.toString('hex').toUpperCase(),
  base64: (mac: Buffer) => mac.toString('base64'),
  base64url: (mac: Buffer) => mac.toString('base64url'),
  'v1=': (mac: Buffer) => `v1=${mac.toString('hex')}`,
  't=…,v1=…': (mac: Buffer, timestamp: string) => `t=${timestamp},v1=${mac.toString('hex')}`,
  'a list': (mac: Buffer) => `v1=${'0'.repeat(64)}, v1=${mac.toString('hex')}`,
} as const satisfies Record<string, (mac: Buffer, timestamp: string) => string>;

export const macOf = (secret: string, timestamp: string, body: string | Buffer): Buffer => createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest();

export interface PostOptions {
  /** Defaults to the app's now, in Unix seconds. */
  timestamp?: string;
  encoding?: keyof typeof ENCODINGS;
  /** Override or, with undefined, leave out. */
  headers?: Record<string, string | undefined>;
}

export interface Answer {
  status: number;
  body: { received?: number; accepted?: number; duplicates?: number; code?: string; errors?: { pointer: string; code: string }[] };
}

/** A provider: signs and posts, as an HTTP client would that knows nothing of our types. */
export class WebhookSender {
  constructor(
    private readonly app: TestApp,
    private readonly url: string,
    readonly secret: string,
  ) {}

  /** Connects a provider of the tenant and speaks for it. */
  static async connect(app: TestApp, provider: 'sendgrid' | 'twilio' | 'mailchimp' | 'hubspot' = 'sendgrid', tenant = app.tenant): Promise<WebhookSender> {
    const { data } = await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider } }, body: {} });
    const { pathname, search } = new URL(data!.url);
    return new WebhookSender(app, pathname + search, data!.secret!);
  }

  /** The same URL with another secret. */
  with(secret: string): WebhookSender {
    return new WebhookSender(this.app, this.url, secret);
  }

  async post(event: unknown, options: PostOptions = {}): Promise<Answer> {
    const body = typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event);
    const timestamp = options.timestamp ?? String(Math.floor(this.app.clock.now().getTime() / 1000));
    const signature = ENCODINGS[options.encoding ?? 'sha256=hex'](macOf(this.secret, timestamp, body), timestamp);
    const headers = { 'content-type': 'application/json', 'x-webhook-signature': signature, 'x-webhook-timestamp': timestamp, ...options.headers };
    return this.send(body, headers);
  }

  async send(body: string | Buffer, headers: Record<string, string | undefined>): Promise<Answer> {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>;
    const response = await this.app.fetch(this.url, { method: 'POST', body: body as RequestInit['body'], headers: given, token: '' });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
}

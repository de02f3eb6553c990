import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TestApp } from './app.js';
import { type Answer, WebhookSender } from './webhook-sender.js';

export const SIGNATURE = 'x-twilio-email-event-webhook-signature';
export const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';

/** A key pair as SendGrid makes one for an account. */
export function sendgridKeys(): { privateKey: KeyObject; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') };
}

export const signSendGrid = (key: KeyObject, timestamp: string, body: string | Buffer): string => sign('sha256', Buffer.concat([Buffer.from(timestamp), Buffer.from(body)]), key).toString('base64');

/** SendGrid's Event Webhook as SendGrid posts it. */
export class SendGridHook {
  private constructor(
    private readonly app: TestApp,
    private readonly sender: WebhookSender,
    private readonly privateKey: KeyObject,
  ) {}

  /** Connects the tenant's SendGrid account and speaks for it. */
  static async connect(app: TestApp, tenant = app.tenant): Promise<SendGridHook> {
    const { privateKey, publicKey } = sendgridKeys();
    const { data } = await app.api(['tenant_admin'], tenant).PUT('/api/v1/marketing/webhooks/{provider}/connection', { params: { path: { provider: 'sendgrid' } }, body: { scheme: 'sendgrid', public_key: publicKey } });
    const { pathname, search } = new URL(data!.url);
    return new SendGridHook(app, new WebhookSender(app, pathname + search, ''), privateKey);
  }

  /** The operator's SendGrid account. */
  static ofDeployment(app: TestApp, privateKey: KeyObject): SendGridHook {
    return new SendGridHook(app, new WebhookSender(app, '/api/v1/marketing/webhooks/sendgrid', ''), privateKey);
  }

  /** The same URL, signed with another key. */
  with(privateKey: KeyObject): SendGridHook {
    return new SendGridHook(this.app, this.sender, privateKey);
  }

  /** @param headers override, or leave out with undefined */
  post(events: unknown, headers: Record<string, string | undefined> = {}): Promise<Answer> {
    const body = typeof events === 'string' || Buffer.isBuffer(events) ? events : JSON.stringify(events);
    const timestamp = headers[TIMESTAMP] ?? String(Math.floor(this.app.clock.now().getTime() / 1000));
    return this.sender.send(body, { 'content-type': 'application/json', [TIMESTAMP]: timestamp, [SIGNATURE]: signSendGrid(this.privateKey, timestamp, body), ...headers });
  }
}

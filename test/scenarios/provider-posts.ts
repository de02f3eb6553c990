import type { Child } from '#test/bench/child';
import { ENCODINGS, macOf } from '#test/support/webhook-sender';
import type { Account } from './account.js';
import type { Scene } from './scene.js';

/** A provider's signed posts to the tenant's own connection. */
export class ProviderPosts {
  private constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  static async connect({ api }: Scene, account: Account, provider: 'sendgrid' | 'mailchimp'): Promise<ProviderPosts> {
    const { url, secret } = await account.request<{ url: string; secret: string }>('PUT', `/webhooks/${provider}/connection`, {});
    const { pathname, search } = new URL(url);
    return new ProviderPosts(api.url + pathname + search, secret);
  }

  /** The same connection, over another api. */
  at({ url }: Child): ProviderPosts {
    const { pathname, search } = new URL(this.url);
    return new ProviderPosts(url + pathname + search, this.secret);
  }

  /** @throws with the answer when it is a refusal */
  async post(events: readonly object[]): Promise<void> {
    const body = JSON.stringify(events);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers = { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': ENCODINGS['sha256=hex'](macOf(this.secret, timestamp, body)) };
    const response = await fetch(this.url, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`a webhook was refused: ${response.status} ${await response.text()}`);
  }
}

import { Webhook } from 'standardwebhooks';
import { type ProviderAnswer, startProvider, type TestProvider } from './provider.js';

/** A message that was posted, its signature verified by the standard's own library. */
export interface Posted {
  id: string;
  idempotencyKey: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
}

export interface TestReceiver extends TestProvider {
  /** Messages, each id once, oldest first. */
  messages: Posted[];
  /** Posts, each time one came. */
  posts: string[];
  secret: string;
  react: (posted: Posted) => 'take' | 'take and hang up' | ProviderAnswer | Promise<ProviderAnswer>;
}

/** A tenant's own service: verifies what comes, and takes an id once. */
export async function startReceiver(): Promise<TestReceiver> {
  const provider = await startProvider((request, text) => {
    let body: Posted['body'];
    try {
      body = new Webhook(receiver.secret).verify(text, request.headers as Record<string, string>) as Posted['body'];
    } catch {
      return { status: 401 };
    }
    const posted = { id: String(request.headers['webhook-id']), idempotencyKey: String(request.headers['idempotency-key']), body };
    receiver.posts.push(posted.id);
    const reaction = receiver.react(posted);
    if (reaction !== 'take' && reaction !== 'take and hang up') return reaction;
    if (!receiver.messages.some(({ id }) => id === posted.id)) receiver.messages.push(posted);
    return reaction === 'take' ? { status: 202, body: { id: `msg-${receiver.messages.length}` } } : 'hang up';
  });
  const receiver: TestReceiver = { ...provider, messages: [], posts: [], secret: '', react: () => 'take' };
  return receiver;
}

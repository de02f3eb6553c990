import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '#database';
import { Jobs, jobType } from '#jobs';
import { newId, type Tenant } from '#kernel';
import { GroupCommit } from './group-commit.js';
import { GATE_SHARED, KEEP } from './inbox.queries.js';
import type { ProviderId } from './providers.js';

/** A verified post, taken apart. */
export interface Post {
  provider: ProviderId;
  format: string;
  /** The bytes as they came. */
  body: Buffer;
  /** What the URL said beside the body. */
  query: string;
  items: InboxItem[];
  receivedAt: Date;
}

export interface InboxItem {
  /** As the provider spelt it. */
  type: string | null;
  dedupKey: Buffer;
  /** Why it can never be processed; such an item is kept as failed. */
  fault: string | null;
  payload: unknown;
}

export interface Kept {
  accepted: number;
  duplicates: number;
}

/** Wakes a worker: there are events of the tenant. */
export const PROCESS_INBOX = jobType<object>('webhooks-process-inbox', { collapse: true, concurrency: 2, expireSeconds: 60 });

/** Where verified posts are kept before anybody is told that they arrived. */
@Injectable()
export class Inbox {
  private readonly commits = new GroupCommit<Post, Kept>((tenant, posts) => this.write(tenant, posts));

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  /** Returns when body and events are committed. @throws RequestError unavailable when too many wait */
  keep(tenant: Tenant, post: Post): Promise<Kept> {
    return this.commits.run(tenant, post, 2 * post.body.length);
  }

  /** Has a worker look at the tenant's events once this transaction has committed; call it last. */
  async wake(tx: EntityManager, tenant: Tenant): Promise<void> {
    await tx.query(GATE_SHARED, [tenant.id]);
    await this.jobs.enqueue(tx, tenant, PROCESS_INBOX, {});
  }

  private async write(tenant: Tenant, posts: Post[]): Promise<Kept[]> {
    const bodies = posts.map((post) => ({ id: newId('whb', post.receivedAt.getTime()), post }));
    const items = bodies.flatMap(({ id, post }) => post.items.map((item, place) => row(post, id, item, place)));
    const values = [
      tenant.id,
      bodies.map((one) => one.id),
      posts.map((post) => post.provider),
      posts.map((post) => post.body),
      posts.map((post) => post.receivedAt),
      posts.map((post) => post.query || null),
      JSON.stringify(items),
    ];
    const rows = await this.database.inTenant(tenant, async (tx) => {
      const kept = await tx.query<{ body_id: string; kept: number; pending: number }[]>(KEEP, values);
      if (kept.some((one) => one.pending > 0)) await this.wake(tx, tenant);
      return kept;
    });
    const counts = new Map(rows.map((one) => [one.body_id, one]));
    return bodies.map(({ id, post }) => {
      const { kept = 0, pending = 0 } = counts.get(id) ?? {};
      return { accepted: pending, duplicates: post.items.length - kept };
    });
  }
}

const row = (post: Post, bodyId: string, { type, dedupKey, fault, payload }: InboxItem, place: number) => ({
  id: newId('whe', post.receivedAt.getTime()),
  body_id: bodyId,
  provider: post.provider,
  item_no: place,
  format: post.format,
  type,
  dedup_key: dedupKey.toString('base64'),
  reason: fault,
  payload,
  received_at: post.receivedAt,
});

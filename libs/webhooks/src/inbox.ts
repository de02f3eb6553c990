import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, prepared } from '#database';
import { Jobs, jobType } from '#jobs';
import { newId, type Tenant } from '#kernel';
import { GATE_SHARED, KEEP } from './inbox.queries.js';
import type { ProviderId } from './providers.js';
import { Rounds } from './rounds.js';

/** A verified post, taken apart. */
export interface Post {
  provider: ProviderId;
  format: string;
  /** The bytes as they came; or, where the post speaks of others too, a JSON list of the tenant's own items. */
  body: Buffer;
  takenApart: boolean;
  /** What the URL said beside the body. */
  query: string;
  items: InboxItem[];
  receivedAt: Date;
  /** Whether it came by the tenant's own connection, which so has shown that it works. */
  byConnection: boolean;
}

/** What is kept of an item beside the body. What the item says is read from there when it is processed. */
export interface InboxItem {
  /** As the provider spelt it. */
  type: string | null;
  dedupKey: Buffer;
  /** Ids and addresses of those it names, as {@link personsOf} spells them. */
  persons: string[];
  /** Why it can never be processed; such an item is kept as failed. */
  fault: string | null;
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
  private readonly rounds = new Rounds<Post, Kept>((tenant, posts) => this.write(tenant, posts));

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  /** Returns when body and events are committed. @throws RequestError unavailable when too many wait */
  keep(tenant: Tenant, post: Post): Promise<Kept> {
    return this.rounds.run(tenant, post, 2 * post.body.length);
  }

  /** Has a worker look at the tenant's events once this transaction has committed; call it last. */
  async wake(tx: EntityManager, tenant: Tenant): Promise<void> {
    await tx.query(GATE_SHARED, [tenant.id]);
    await this.jobs.enqueue(tx, tenant, PROCESS_INBOX, {});
  }

  private async write(tenant: Tenant, posts: Post[]): Promise<Kept[]> {
    const ids = posts.map((post) => newId('whb', post.receivedAt.getTime()));
    const statement = { text: KEEP, values: [tenant.id, ...bodyColumns(ids, posts), ...itemColumns(posts), ...verifiedColumns(posts)], name: 'webhook_keep' };
    const rows = await this.database.inTenant(tenant, async (tx) => {
      const kept = await prepared<{ body_id: string; kept: number; pending: number }>(tx, statement);
      if (kept.some((one) => one.pending > 0)) await this.wake(tx, tenant);
      return kept;
    });
    const counts = new Map(rows.map((one) => [one.body_id, one]));
    return posts.map((post, place) => {
      const { kept = 0, pending = 0 } = counts.get(ids[place]!) ?? {};
      return { accepted: pending, duplicates: post.items.length - kept };
    });
  }
}

const bodyColumns = (ids: string[], posts: readonly Post[]): unknown[][] => [
  ids,
  posts.map((post) => post.provider),
  posts.map((post) => post.format),
  posts.map((post) => post.body),
  posts.map((post) => post.takenApart),
  posts.map((post) => post.query || null),
  posts.map((post) => post.receivedAt),
];

function itemColumns(posts: readonly Post[]): unknown[][] {
  const items = posts.flatMap((post, place) => post.items.map((item, itemNo) => ({ ...item, id: newId('whe', post.receivedAt.getTime()), place: place + 1, itemNo })));
  return [
    items.map((item) => item.id),
    items.map((item) => item.place),
    items.map((item) => item.itemNo),
    items.map((item) => item.type),
    items.map((item) => item.dedupKey),
    items.map((item) => item.persons.join('\x1f')),
    items.map((item) => item.fault),
  ];
}

/** Which providers' connections have shown that they work, and when. */
function verifiedColumns(posts: readonly Post[]): unknown[][] {
  const latest = new Map<ProviderId, Date>();
  for (const { provider, byConnection, receivedAt } of posts) {
    if (byConnection && !(latest.get(provider)! > receivedAt)) latest.set(provider, receivedAt);
  }
  return [[...latest.keys()], [...latest.values()]];
}

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, prepared, together } from '#database';
import { Jobs, jobType } from '#jobs';
import { newId, type Tenant } from '#kernel';
import { GATE_SHARED, KEEP } from './inbox.queries.js';
import { spelt } from './persons.js';
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
  /** The time that was signed with it. */
  signedAt: Date | null;
  items: InboxItem[];
  receivedAt: Date;
  /** The tenant's own connection, by whose secrets it was verified. */
  connection: Connection | null;
}

/** A connection as it was at some time: another version has other secrets. */
export interface Connection {
  id: string;
  version: number;
}

/** What is kept of an item beside the body. What the item says is read from there when it is processed. */
export interface InboxItem {
  /** As the provider spelt it. */
  type: string | null;
  /** 32 bytes. */
  dedupKey: Buffer;
  /** Those whom it names, as {@link ErasedNames.hash} keeps their ids and addresses. */
  persons: Buffer[];
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
  private readonly rounds = new Rounds<Post, Kept | null>((tenant, posts) => this.write(tenant, posts));

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  /**
   * Returns when body and events are committed.
   *
   * @returns null, having kept nothing, when the post's connection is another by now, or none
   * @throws RequestError unavailable when too many wait
   */
  keep(tenant: Tenant, post: Post): Promise<Kept | null> {
    return this.rounds.run(tenant, post, 2 * post.body.length);
  }

  /** Has a worker look at the tenant's events once this transaction has committed. */
  async wake(tx: EntityManager, tenant: Tenant): Promise<void> {
    await together(tx.query(GATE_SHARED, [tenant.id]), this.jobs.enqueue(tx, tenant, PROCESS_INBOX, {}));
  }

  private async write(tenant: Tenant, posts: Post[]): Promise<(Kept | null)[]> {
    const ids = posts.map((post) => newId('whb', post.receivedAt.getTime()));
    const statement = { text: KEEP, values: [tenant.id, ...bodyColumns(ids, posts), ...itemColumns(posts)], name: 'webhook_keep' };
    // Woken also where all turns out to be known: that is rare, and to wait and see would cost every round a round trip.
    const [rows] = await this.database.inTenant(tenant, (tx) => together(prepared<{ id: string; kept: number; pending: number }>(tx, statement), this.wake(tx, tenant)));
    const counts = new Map(rows.map((one) => [one.id, one]));
    return posts.map((post, place) => {
      const count = counts.get(ids[place]!);
      return count === undefined ? null : { accepted: count.pending, duplicates: post.items.length - count.kept };
    });
  }
}

function bodyColumns(ids: string[], posts: readonly Post[]): unknown[] {
  let bytes = 0;
  const starts = posts.map(({ body }) => (bytes += body.length) - body.length);
  return [
    ids,
    posts.map((post) => post.provider),
    posts.map((post) => post.format),
    Buffer.concat(posts.map((post) => post.body), bytes),
    starts,
    posts.map((post) => post.body.length),
    posts.map((post) => post.takenApart),
    posts.map((post) => post.query || null),
    posts.map((post) => post.receivedAt),
    posts.map((post) => post.connection?.id ?? null),
    posts.map((post) => post.connection?.version ?? null),
    posts.map((post) => post.signedAt),
  ];
}

function itemColumns(posts: readonly Post[]): unknown[] {
  const items = posts.flatMap((post, place) => post.items.map((item, itemNo) => ({ ...item, id: newId('whe', post.receivedAt.getTime()), place: place + 1, itemNo })));
  return [
    items.map((item) => item.id),
    items.map((item) => item.place),
    items.map((item) => item.itemNo),
    items.map((item) => item.type),
    Buffer.concat(items.map((item) => item.dedupKey)),
    items.map((item) => item.persons.map(spelt).join('\x1f')),
    items.map((item) => item.fault),
  ];
}

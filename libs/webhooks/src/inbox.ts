import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database, prepared, together } from '#database';
import { Jobs, jobType } from '#jobs';
import { newId, type Tenant } from '#kernel';
import { GATE_SHARED, KEEP } from './inbox.queries.js';
import { spelt } from './persons.js';
import type { ProviderId } from './providers.js';
import { Rounds } from './rounds.js';

/** A verified post, split into items. */
export interface Post {
  provider: ProviderId;
  format: string;
  /** The bytes as received; or, if the post has items of other tenants too, a JSON list of this tenant's items. */
  body: Buffer;
  takenApart: boolean;
  /** The URL's query, without the connection's key and secret. */
  query: string;
  /** The signed timestamp. */
  signedAt: Date | null;
  items: InboxItem[];
  receivedAt: Date;
  /** The tenant's connection that verified it; null where the deployment's secret did. */
  connection: Connection | null;
}

/** A version of a connection: each has its own secrets. */
export interface Connection {
  id: string;
  version: number;
}

/** What is stored of an item besides the body, from which the item is read again when it is processed. */
export interface InboxItem {
  /** As the provider spells it. */
  type: string | null;
  /** 32 bytes. */
  dedupKey: Buffer;
  /** The people it names: hashes of their ids and addresses, see {@link ErasedNames.hash}. */
  persons: Buffer[];
  /** Why it can never be processed: it is then kept as failed. */
  fault: string | null;
}

export interface Kept {
  accepted: number;
  duplicates: number;
}

/** Wakes a worker for the tenant's pending events. */
export const PROCESS_INBOX = jobType<object>('webhooks-process-inbox', { collapse: true, concurrency: 2, expireSeconds: 60 });

/** Stores verified posts before they are acknowledged. */
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
   * @returns null, having kept nothing, if the post's connection has changed or no longer exists
   * @throws RequestError unavailable if too much waits already
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
    // Wakes a worker even if all items turn out to be duplicates: that is rare, and finding out first would cost every round a round trip.
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

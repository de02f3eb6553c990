import { Injectable, Logger } from '@nestjs/common';
import { Env } from '#config';
import { ErasedNames } from '#customers';
import { Database, isUnreachable } from '#database';
import { RequestError, type Tenant, validationFailed } from '#kernel';
import { SettingsService } from '#tenants';
import { dedupKey, faultyKey } from './dedup-key.js';
import type { WebhookReceiptDto } from './dto/envelope.dto.js';
import { EventTenants } from './event-tenants.js';
import { Inbox, type InboxItem, type Kept, type Post } from './inbox.js';
import { type InboundEvent, isFault, type ItemFault, UNSUPPORTED } from './normalisers/inbound-event.js';
import type { Normaliser } from './normalisers/normaliser.js';
import { personsAnywhereIn, personsOf } from './persons.js';
import type { ProviderId } from './providers.js';
import { type Answer, queryOf, type SignedRequest, SCHEMES, type Verdict } from './schemes/index.js';
import { type Sender, Senders } from './senders.js';
import { WebhookError } from './webhooks.errors.js';

/** A post as HTTP delivers it. */
export interface IncomingPost extends Omit<SignedRequest, 'url'> {
  provider: ProviderId;
  /** The key of a tenant's connection; without one, the deployment's own secret verifies the post. */
  connection: string | undefined;
  /** Path and query as received. */
  target: string;
}

/** The result of a post, and how it is answered; without `answer`, by 202 and the receipt. */
export interface Received {
  receipt: WebhookReceiptDto;
  answer: Answer | undefined;
}

interface ReadItem {
  /** As the normaliser read it from the body. */
  said: unknown;
  item: InboxItem;
  read: InboundEvent | ItemFault;
}

/** The connection's key and secret in a post's query; the rest of the query is stored with the body. */
const OPENS = ['connection', 'secret'];

/** Receives posts: verifies them, splits them into items, stores them. Nothing is processed here, so a burst costs one insert. */
@Injectable()
export class IntakeService {
  private readonly logger = new Logger(IntakeService.name);

  constructor(
    private readonly senders: Senders,
    private readonly inbox: Inbox,
    private readonly eventTenants: EventTenants,
    private readonly database: Database,
    private readonly settings: SettingsService,
    private readonly env: Env,
    private readonly erasedNames: ErasedNames,
  ) {}

  /** @throws WebhookError invalid_signature, stale_timestamp; RequestError validation_failed, unsupported_media_type, unavailable */
  async receive(post: IncomingPost): Promise<Received> {
    for (let fresh = false; ; fresh = true) {
      const received = await this.attempt(post, fresh).catch((error: unknown) => (!fresh && isRefusal(error) ? null : Promise.reject(error)));
      if (received !== null) return received;
    }
  }

  /** @returns null if the cached connection is, or may be, out of date: the caller tries again with a fresh one. That includes posts of which nothing is kept, since only keeping checks the version */
  private async attempt(post: IncomingPost, fresh: boolean): Promise<Received | null> {
    const request = this.signedRequest(post);
    const sender = await this.senderOf(post, request, fresh);
    const scheme = SCHEMES[sender.scheme];
    const verdict = scheme.verify(request, sender.trust);
    if (!verdict.valid && sender.connection !== null && !fresh) return null;
    const { messageId, signedAt } = await this.assertValid(sender, verdict);
    const normaliser = scheme.normaliser(request);
    const mediaType = (post.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (!normaliser.consumes.includes(mediaType)) throw new RequestError('unsupported_media_type');

    const query = new URLSearchParams(queryOf(request.url));
    for (const name of OPENS) query.delete(name);
    const { items, batch } = normaliser.split(post.body, query);
    const read = items.map((item, place) => this.take(item, normaliser, post, { messageId, signedAt }, place));
    if (!batch) refuse(read[0]!);
    if (read.length === 0 && sender.connection !== null && !fresh) return null;
    const whole = { provider: post.provider, format: normaliser.name, body: post.body, query: query.toString(), signedAt, receivedAt: sender.trust.now, connection: sender.connection };
    const kept = await this.keep(whole, read, await this.byTenant(sender, read));
    return kept === null ? null : { receipt: { received: items.length, ...kept }, answer: await scheme.answer?.(items, () => this.brandOf(sender)) };
  }

  /**
   * Keeps each tenant's part of a post, one after the other, so that many tenants need only one database connection. If one fails, the others are
   * kept first and the error is thrown at the end, since not every provider sends again.
   *
   * @returns null, having kept nothing, if the post's connection has changed
   */
  private async keep(whole: Omit<Post, 'takenApart' | 'items'>, read: readonly ReadItem[], parts: ReadonlyMap<Tenant, readonly ReadItem[]>): Promise<Kept | null> {
    const sum = { accepted: 0, duplicates: 0 };
    const failures: unknown[] = [];
    for (const [tenant, part] of parts) {
      // If a body has items of several tenants, each gets only its own.
      const takenApart = part.length < read.length;
      const body = takenApart ? Buffer.from(JSON.stringify(part.map(({ said }) => said))) : whole.body;
      try {
        const kept = await this.inbox.keep(tenant, { ...whole, body, takenApart, items: part.map(({ item }) => item) });
        if (kept === null) return null;
        sum.accepted += kept.accepted;
        sum.duplicates += kept.duplicates;
      } catch (error) {
        if (isUnreachable(error)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return sum;
  }

  /**
   * Answers a provider that checks the URL before it posts there; such a request is unsigned.
   *
   * @throws WebhookError invalid_signature if a post could not be verified either; RequestError method_not_allowed
   */
  async greet(post: IncomingPost): Promise<void> {
    const request = this.signedRequest(post);
    const sender = await this.senderOf(post, request, true);
    const scheme = SCHEMES[sender.scheme];
    if (scheme.greets === false) throw new RequestError('method_not_allowed');
    if (scheme.key !== 'in_url') return;
    await this.assertValid(sender, scheme.verify(request, sender.trust));
    await this.senders.noteCheck(sender);
  }

  private async brandOf({ tenant }: Sender): Promise<string | null> {
    return tenant === null ? null : this.database.inTenant(tenant, async (tx) => (await this.settings.of(tx, tenant)).sender.from_name);
  }

  private take(said: unknown, normaliser: Normaliser, { provider, body }: IncomingPost, { messageId, signedAt }: Pick<Verdict & { valid: true }, 'messageId' | 'signedAt'>, place: number): ReadItem {
    const read = dated(normaliser.read(provider, said), signedAt);
    const type = normaliser.type(said)?.slice(0, 64) ?? null;
    const persons = isFault(read) ? personsAnywhereIn(said) : personsOf(provider, read);
    const item = { type, dedupKey: keyOf(read, said, body, messageId, place), persons: persons.map((name) => this.erasedNames.hash(name)), fault: isFault(read) ? read.fault : null };
    return { said, item, read };
  }

  private signedRequest({ method, target, headers, body }: IncomingPost): SignedRequest {
    return { method, url: this.env.PUBLIC_URL + target, headers, body };
  }

  private async senderOf({ provider, connection }: IncomingPost, request: SignedRequest, fresh: boolean): Promise<Sender> {
    const sender = await this.senders.find(provider, connection, request, fresh);
    if (sender === null) throw new WebhookError('invalid_signature');
    return sender;
  }

  private async assertValid(sender: Sender, verdict: Verdict): Promise<Verdict & { valid: true }> {
    if (verdict.valid) return verdict;
    await this.senders.countFailure(sender, verdict.reason);
    throw new WebhookError(verdict.reason);
  }

  private async byTenant(sender: Sender, read: ReadItem[]): Promise<Map<Tenant, ReadItem[]>> {
    if (read.length === 0) return new Map();
    if (sender.tenant !== null) return new Map([[sender.tenant, read]]);
    const { tenants, nobodys } = await this.eventTenants.sort(read, ({ read: one }) => (isFault(one) ? null : one));
    if (nobodys > 0) this.logger.warn({ msg: 'webhook events that name no tenant were dropped', provider: sender.provider, events: nobodys });
    return tenants;
  }
}

/** Refusals of the post itself; with a cached connection, they are only reported once a fresh one confirms them. */
const isRefusal = (error: unknown): boolean => error instanceof RequestError && error.code !== 'unavailable';

/** An event without a time of its own gets the signed timestamp. */
const dated = (read: InboundEvent | ItemFault, signedAt: Date | null): InboundEvent | ItemFault => (isFault(read) || read.at !== null ? read : { ...read, at: signedAt });

/** An event without id and effect is identified by its whole content. */
const ofNoEffect = ({ name, eventId }: InboundEvent): boolean => eventId === null && (name === 'noted' || name === 'unknown');

const keyOf = (read: InboundEvent | ItemFault, item: unknown, body: Buffer, messageId: string | null, place: number): Buffer =>
  isFault(read) || ofNoEffect(read) ? faultyKey(item, body, messageId, place) : dedupKey(read, messageId, place);

/** A malformed event that comes alone is refused, so that its sender can correct it. In a list it is kept as failed. */
function refuse({ read }: ReadItem): void {
  if (!isFault(read) || read.fault === UNSUPPORTED) return;
  throw validationFailed([{ pointer: read.pointer, code: read.fault, detail: read.detail }]);
}

import { Injectable, Logger } from '@nestjs/common';
import { RequestError, isObject, type Tenant, validationFailed } from '#kernel';
import { dedupKey, faultyKey } from './dedup-key.js';
import type { WebhookReceiptDto } from './dto/envelope.dto.js';
import { EventTenants } from './event-tenants.js';
import { Inbox, type InboxItem, type Post } from './inbox.js';
import { UNSUPPORTED } from './normalisers/envelope.js';
import { type InboundEvent, isFault, type ItemFault } from './normalisers/inbound-event.js';
import type { ProviderId } from './providers.js';
import { SCHEMES, type SignedRequest } from './schemes/index.js';
import { type Sender, Senders } from './senders.js';
import { WebhookError } from './webhooks.errors.js';

/** A post as HTTP brings it. */
export interface IncomingPost extends SignedRequest {
  provider: ProviderId;
  /** The key of a tenant's connection; without one the deployment's own secret is meant. */
  connection: string | undefined;
}

interface ReadItem {
  item: InboxItem;
  read: InboundEvent | ItemFault;
}

/** Takes what providers post: verifies, takes apart, stores. Nothing is acted on here, so a burst costs one insert. */
@Injectable()
export class IntakeService {
  private readonly logger = new Logger(IntakeService.name);

  constructor(
    private readonly senders: Senders,
    private readonly inbox: Inbox,
    private readonly eventTenants: EventTenants,
  ) {}

  /** @throws WebhookError invalid_signature, stale_timestamp; RequestError validation_failed, unsupported_media_type, unavailable */
  async receive(post: IncomingPost): Promise<WebhookReceiptDto> {
    const sender = await this.senders.find(post.provider, post.connection);
    if (sender === null) throw new WebhookError('invalid_signature');
    const { verify, normaliser } = SCHEMES[sender.scheme];
    const verdict = verify(post, sender.trust);
    if (!verdict.valid) {
      await this.senders.countFailure(sender);
      throw new WebhookError(verdict.reason);
    }
    const mediaType = (post.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (!normaliser.consumes.includes(mediaType)) throw new RequestError('unsupported_media_type');

    const { items, batch } = normaliser.split(post.body);
    const read = items.map((item, place) => take(item, normaliser.read(post.provider, item), post.body, verdict.messageId, place));
    if (!batch) refuse(read[0]!);
    const kept = { received: items.length, accepted: 0, duplicates: 0 };
    for (const [tenant, part] of await this.byTenant(sender, read)) {
      // Of a body that speaks of several tenants, each gets its own items only.
      const body = part.length === read.length ? post.body : Buffer.from(JSON.stringify(part.map(({ item }) => item.payload)));
      const stored: Post = { provider: post.provider, format: normaliser.name, body, items: part.map(({ item }) => item), receivedAt: sender.trust.now };
      const { accepted, duplicates } = await this.inbox.keep(tenant, stored);
      kept.accepted += accepted;
      kept.duplicates += duplicates;
    }
    return kept;
  }

  private async byTenant(sender: Sender, read: ReadItem[]): Promise<Map<Tenant, ReadItem[]>> {
    if (sender.tenant !== null) return new Map([[sender.tenant, read]]);
    const { tenants, nobodys } = await this.eventTenants.sort(read, ({ read: one }) => (isFault(one) ? null : one));
    if (nobodys > 0) this.logger.warn({ msg: 'webhook events that name no tenant were dropped', provider: sender.provider, events: nobodys });
    return tenants;
  }
}

function take(item: unknown, read: InboundEvent | ItemFault, body: Buffer, messageId: string | null, place: number): ReadItem {
  const type = isObject(item) && typeof item.event_type === 'string' ? item.event_type.slice(0, 64) : null;
  const [key, fault] = isFault(read) ? [faultyKey(item, body, messageId, place), read.fault] : [dedupKey(read, messageId, place), null];
  return { item: { type, dedupKey: key, fault, payload: item ?? null }, read };
}

/** A malformed event that comes alone is refused: its sender can still mend it. In a list it is kept as failed. */
function refuse({ read }: ReadItem): void {
  if (!isFault(read) || read.fault === UNSUPPORTED) return;
  throw validationFailed([{ pointer: read.pointer, code: read.fault, detail: read.detail }]);
}

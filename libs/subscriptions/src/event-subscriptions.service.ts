import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '#auth';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { assertVersion, newWebhookSecret, Versioned, type Versions } from '#http';
import { Clock, newId, type Paged, type PageRequest, pageWindow, type Tenant, toPage, validationFailed } from '#kernel';
import { AuditLog } from '#tenants';
import type { CreateEventSubscriptionDto, DisabledCode, EventSubscriptionDto, UpdateEventSubscriptionDto } from './dto/event-subscription.dto.js';
import type { EventName } from './event-types.js';
import { Interest } from './interest.js';
import { SubscriptionError } from './subscription.errors.js';
import { ADD_SECRET, ANOTHER_VERSION, COUNT, CREATORS_TURN, DELETE, HOLD, INSERT, INSERT_LANE, RETIRE_SECRETS, SET_LANE, SHOWN, UPDATE } from './subscription.queries.js';

const MOST = 20;

/** How long messages are still signed with a replaced secret too, in milliseconds. */
const OVERLAP_MS = 24 * 3600 * 1000;

const DISABLED: Readonly<Record<DisabledCode, string>> = {
  gone: 'The receiver answered 410 Gone.',
  failing: 'For five days nothing arrived: every attempt failed.',
};

interface Row {
  subscription_id: string;
  url: string;
  events: EventName[];
  active: boolean;
  disabled_code: DisabledCode | null;
  disabled_at: Date | null;
  failing_since: Date | null;
  previous_until: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** What a sealed secret is bound to: copied to another subscription's row, it cannot be opened. */
export const secretContext = (tenant: Tenant, subscriptionId: string): string => `event_subscription_secrets/${tenant.id}/${subscriptionId}`;

const isCursor = ([id, ...rest]: unknown[]): boolean => rest.length === 0 && typeof id === 'string' && /^sub_[0-9a-z]{26}$/.test(id);

/** A tenant's event subscriptions. A new secret is shown once: neither the table nor a stored answer has it in plain text. */
@Injectable()
export class EventSubscriptions {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
    private readonly interest: Interest,
  ) {}

  /** Newest first. */
  async list(tenant: Tenant, request: PageRequest): Promise<Paged<EventSubscriptionDto>> {
    const window = pageWindow<[string]>(request, 'event-subscriptions', isCursor);
    const [rows, [counted]] = await this.database.read<[Row[], { count: number }[]]>(
      tenant,
      {
        text: `${SHOWN} AND ($3::text IS NULL OR s.subscription_id < $3) ORDER BY s.subscription_id DESC LIMIT $4 OFFSET $5`,
        values: [tenant.id, this.clock.now(), window.after?.[0] ?? null, window.limit + 1, window.offset],
      },
      { text: COUNT, values: [tenant.id] },
    );
    return toPage(rows, window, { count: counted!.count, relation: 'eq' }, toDto, (row) => [row.subscription_id]);
  }

  /** @throws SubscriptionError event_subscription_not_found */
  get(tenant: Tenant, subscriptionId: string): Promise<Versioned<EventSubscriptionDto>> {
    return this.database.inTenant(tenant, (tx) => this.show(tx, tenant, subscriptionId));
  }

  /** @throws SubscriptionError too_many_subscriptions */
  async create({ tenant, subject }: Principal, { url, events, active = true }: CreateEventSubscriptionDto): Promise<Versioned<EventSubscriptionDto>> {
    this.assertCallable(url);
    const secret = newWebhookSecret();
    const { body, version } = await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const id = newId('sub', now.getTime());
      await tx.query(CREATORS_TURN, [tenant.id]);
      const [{ count }] = await tx.query<[{ count: number }]>(COUNT, [tenant.id]);
      if (count >= MOST) throw new SubscriptionError('too_many_subscriptions');
      await tx.query(INSERT, [tenant.id, id, url, events, active, now]);
      await tx.query(INSERT_LANE, [tenant.id, id]);
      await this.addSecret(tx, tenant, id, secret, now);
      await this.auditLog.add(tx, tenant, subject, 'event_subscription.created', { subscription_id: id, events });
      return this.show(tx, tenant, id);
    });
    await this.interest.settled();
    return new Versioned({ ...body, secret }, version);
  }

  /** @throws SubscriptionError event_subscription_not_found; RequestError version_conflict */
  async update({ tenant, subject }: Principal, subscriptionId: string, patch: UpdateEventSubscriptionDto, ifMatch?: Versions): Promise<Versioned<EventSubscriptionDto>> {
    if (patch.url !== undefined) this.assertCallable(patch.url);
    const shown = await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const held = await this.hold(tx, tenant, subscriptionId, ifMatch);
      const { url = held.url, events = held.events, active = held.active } = patch;
      await tx.query(UPDATE, [tenant.id, subscriptionId, url, events, active, now]);
      await tx.query(SET_LANE, [tenant.id, subscriptionId, active ? now : 'infinity']);
      await this.auditLog.add(tx, tenant, subject, 'event_subscription.updated', { subscription_id: subscriptionId, changed: Object.keys(patch) });
      return this.show(tx, tenant, subscriptionId);
    });
    await this.interest.settled();
    return shown;
  }

  /** @throws SubscriptionError event_subscription_not_found; RequestError version_conflict */
  async delete({ tenant, subject }: Principal, subscriptionId: string, ifMatch?: Versions): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      await this.hold(tx, tenant, subscriptionId, ifMatch);
      await tx.query(DELETE, [tenant.id, subscriptionId]);
      await this.auditLog.add(tx, tenant, subject, 'event_subscription.deleted', { subscription_id: subscriptionId });
    });
  }

  /** Signs with a new secret; the one before signs along for 24 hours more. @throws SubscriptionError event_subscription_not_found; RequestError version_conflict */
  async rotate({ tenant, subject }: Principal, subscriptionId: string, ifMatch?: Versions): Promise<Versioned<EventSubscriptionDto>> {
    const secret = newWebhookSecret();
    const { body, version } = await this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      await this.hold(tx, tenant, subscriptionId, ifMatch);
      await tx.query(RETIRE_SECRETS, [tenant.id, subscriptionId, now, new Date(now.getTime() + OVERLAP_MS)]);
      await this.addSecret(tx, tenant, subscriptionId, secret, now);
      await tx.query(ANOTHER_VERSION, [tenant.id, subscriptionId, now]);
      await this.auditLog.add(tx, tenant, subject, 'event_subscription.secret_rotated', { subscription_id: subscriptionId });
      return this.show(tx, tenant, subscriptionId);
    });
    return new Versioned({ ...body, secret }, version);
  }

  /** Whether a host may be called is found out as it is. */
  private assertCallable(url: string): void {
    if (this.env.ALLOW_PRIVATE_TARGETS === '1' || new URL(url).protocol === 'https:') return;
    throw validationFailed([{ pointer: '/url', code: 'is_https', detail: 'url must be https' }]);
  }

  private async addSecret(tx: EntityManager, tenant: Tenant, subscriptionId: string, secret: string, now: Date): Promise<void> {
    await tx.query(ADD_SECRET, [tenant.id, subscriptionId, this.secrets.seal(secret, secretContext(tenant, subscriptionId)), now]);
  }

  private async hold(tx: EntityManager, tenant: Tenant, subscriptionId: string, ifMatch?: Versions): Promise<Pick<Row, 'url' | 'events' | 'active' | 'version'>> {
    const [row] = await tx.query<Pick<Row, 'url' | 'events' | 'active' | 'version'>[]>(HOLD, [tenant.id, subscriptionId]);
    if (row === undefined) throw new SubscriptionError('event_subscription_not_found');
    assertVersion(ifMatch, row.version);
    return row;
  }

  private async show(tx: EntityManager, tenant: Tenant, subscriptionId: string): Promise<Versioned<EventSubscriptionDto>> {
    const [row] = await tx.query<Row[]>(`${SHOWN} AND s.subscription_id = $3`, [tenant.id, this.clock.now(), subscriptionId]);
    if (row === undefined) throw new SubscriptionError('event_subscription_not_found');
    return new Versioned(toDto(row), row.version);
  }
}

const toDto = (row: Row): EventSubscriptionDto => ({
  id: row.subscription_id,
  url: row.url,
  events: row.events,
  active: row.active,
  disabled: row.disabled_code === null ? null : { code: row.disabled_code, detail: DISABLED[row.disabled_code], at: row.disabled_at!.toISOString() },
  failing_since: row.failing_since?.toISOString() ?? null,
  previous_secret_valid_until: row.previous_until?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

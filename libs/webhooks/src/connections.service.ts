import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '#auth';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { Clock, newId, type Tenant } from '#kernel';
import { AuditLog } from '#tenants';
import { ADD_SECRET, CONNECT, DISCONNECT, DROP_SECRETS, ENTER_IN_DIRECTORY, LEAVE_DIRECTORY, LOCK, PROVIDERS_OF_TENANT, RETIRE_SECRETS, SHOW } from './connection.queries.js';
import { type ConnectWebhookDto, DEFAULT_TOLERANCE_SECONDS, type WebhookConnectionDto } from './dto/webhook-connection.dto.js';
import type { WebhookProviderDto, WebhookProviderListDto } from './dto/webhook-provider.dto.js';
import { PROVIDER_IDS, PROVIDERS, type ProviderId } from './providers.js';
import { deploymentSecret, secretContext } from './secrets.js';
import type { SchemeName } from './schemes/index.js';
import { WebhookError } from './webhooks.errors.js';

const DAY = 24 * 3600 * 1000;

interface ConnectionRow {
  connection_id: string;
  scheme: SchemeName;
  tolerance_seconds: number | null;
  failed_verifications: number;
  previous_until: Date | null;
}

/** Which providers may report to a tenant, and with which secrets. */
@Injectable()
export class ConnectionsService {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
  ) {}

  async list(tenant: Tenant): Promise<WebhookProviderListDto> {
    type Known = { provider: ProviderId; connected: boolean; events_received: number; last_event: Date | null };
    const rows = await this.database.rows<Known>(tenant, { text: PROVIDERS_OF_TENANT, values: [tenant.id], name: 'webhook_providers' });
    const known = new Map(rows.map((row) => [row.provider, row]));
    const providers = PROVIDER_IDS.map((id): WebhookProviderDto => {
      const row = known.get(id);
      const provider = { id, name: PROVIDERS[id].name };
      if (!row?.connected && deploymentSecret(this.env, id) === undefined) return { ...provider, status: 'disconnected' };
      const last = row?.last_event ?? null;
      return { ...provider, status: 'connected', events_received: row?.events_received ?? 0, ...(last !== null && { last_event: last.toISOString() }) };
    });
    return { providers };
  }

  /** @throws WebhookError connection_not_found */
  async get(tenant: Tenant, provider: ProviderId): Promise<WebhookConnectionDto> {
    return this.database.inTenant(tenant, (tx) => this.show(tx, tenant, provider));
  }

  /** Connects the provider, or replaces what its connection was; its key, and so the URL, stays the same. */
  async connect({ tenant, subject }: Principal, provider: ProviderId, wanted: ConnectWebhookDto): Promise<WebhookConnectionDto> {
    const { scheme = 'generic', tolerance_seconds: tolerance = DEFAULT_TOLERANCE_SECONDS } = wanted;
    const secret = wanted.secret ?? newSecret();
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [row] = await tx.query<{ connection_id: string }[]>(CONNECT, [tenant.id, provider, newId('whc', now.getTime()), scheme, tolerance, now]);
      await tx.query(ENTER_IN_DIRECTORY, [tenant.id, row!.connection_id, provider]);
      await tx.query(DROP_SECRETS, [tenant.id, provider]);
      await this.addSecret(tx, tenant, provider, secret, now);
      await this.auditLog.add(tx, tenant, subject, 'webhook.connected', { provider, scheme });
      return { ...(await this.show(tx, tenant, provider)), ...(wanted.secret === undefined && { secret }) };
    });
  }

  /**
   * Gives the connection a new secret; the one before stays valid for 24 hours more.
   *
   * @throws WebhookError connection_not_found
   */
  async rotate({ tenant, subject }: Principal, provider: ProviderId): Promise<WebhookConnectionDto> {
    const secret = newSecret();
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [existing] = await tx.query<unknown[]>(LOCK, [tenant.id, provider]);
      if (existing === undefined) throw new WebhookError('connection_not_found');
      await tx.query(RETIRE_SECRETS, [tenant.id, provider, now, new Date(now.getTime() + DAY)]);
      await this.addSecret(tx, tenant, provider, secret, now);
      await this.auditLog.add(tx, tenant, subject, 'webhook.secret_rotated', { provider });
      return { ...(await this.show(tx, tenant, provider)), secret };
    });
  }

  /** @throws WebhookError connection_not_found */
  async disconnect({ tenant, subject }: Principal, provider: ProviderId): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const { records } = (await tx.queryRunner!.query(DISCONNECT, [tenant.id, provider], true)) as { records: { connection_id: string }[] };
      if (records[0] === undefined) throw new WebhookError('connection_not_found');
      await tx.query(LEAVE_DIRECTORY, [tenant.id, records[0].connection_id]);
      await this.auditLog.add(tx, tenant, subject, 'webhook.disconnected', { provider });
    });
  }

  private async addSecret(tx: EntityManager, tenant: Tenant, provider: ProviderId, secret: string, now: Date): Promise<void> {
    await tx.query(ADD_SECRET, [tenant.id, provider, this.secrets.seal(secret, secretContext(tenant, provider)), now]);
  }

  private async show(tx: EntityManager, tenant: Tenant, provider: ProviderId): Promise<WebhookConnectionDto> {
    const [row] = await tx.query<ConnectionRow[]>(SHOW, [tenant.id, provider, this.clock.now()]);
    if (row === undefined) throw new WebhookError('connection_not_found');
    return {
      id: row.connection_id,
      status: 'connected',
      scheme: row.scheme,
      url: `${this.env.PUBLIC_URL}/api/v1/marketing/webhooks/${provider}?connection=${row.connection_id}`,
      tolerance_seconds: row.tolerance_seconds,
      previous_secret_valid_until: row.previous_until?.toISOString() ?? null,
      failed_verifications: row.failed_verifications,
    };
  }
}

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '#auth';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { Delivery } from '#delivery';
import { Clock, newId, type Tenant, validationFailed } from '#kernel';
import { AuditLog } from '#tenants';
import { ADD_SECRET, ANOTHER_VERSION, CONNECT, DISCONNECT, DROP_SECRETS, ENTER_IN_DIRECTORY, LEAVE_DIRECTORY, PROVIDERS_OF_TENANT, RETIRE_SECRETS, SET_API_TOKEN, SHOW } from './connection.queries.js';
import { assertApiToken, assertScheme, type Credential, credentialFor } from './credential.js';
import { type ConnectWebhookDto, DEFAULT_TOLERANCE_SECONDS, type RotateWebhookDto, type WebhookConnectionDto } from './dto/webhook-connection.dto.js';
import type { WebhookProviderDto, WebhookProviderListDto } from './dto/webhook-provider.dto.js';
import { PROVIDER_IDS, PROVIDERS, type ProviderId } from './providers.js';
import { type SchemeName, SCHEMES } from './schemes/index.js';
import { apiTokenContext, isDeployed, secretContext } from './secrets.js';
import { WebhookError } from './webhooks.errors.js';

const DAY = 24 * 3600 * 1000;

interface ConnectionRow {
  connection_id: string;
  scheme: SchemeName;
  tolerance_seconds: number | null;
  failed_verifications: number;
  last_verified: Date | null;
  /** The last five posts or more were all refused. */
  broken: boolean;
  last_failure: string | null;
  has_api_token: boolean;
  previous_until: Date | null;
  /** The newest secret. */
  sealed: Buffer;
}

/** A tenant's connections: which providers may post events, and which secrets verify them. */
@Injectable()
export class ConnectionsService {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
    private readonly delivery: Delivery,
  ) {}

  async list(tenant: Tenant): Promise<WebhookProviderListDto> {
    type Known = { provider: ProviderId; connected: boolean; broken: boolean; events_received: number; last_event: Date | null };
    const rows = await this.database.rows<Known>(tenant, { text: PROVIDERS_OF_TENANT, values: [tenant.id], name: 'webhook_providers' });
    const known = new Map(rows.map((row) => [row.provider, row]));
    const providers = PROVIDER_IDS.map((id): WebhookProviderDto => {
      const row = known.get(id);
      const provider = { id, name: PROVIDERS[id].name };
      if (row?.broken || !(row?.connected || isDeployed(this.env, id))) return { ...provider, status: 'disconnected' };
      const last = row?.last_event ?? null;
      return { ...provider, status: 'connected', events_received: row?.events_received ?? 0, ...(last !== null && { last_event: last.toISOString() }) };
    });
    return { providers };
  }

  /** @throws WebhookError connection_not_found */
  async get(tenant: Tenant, provider: ProviderId): Promise<WebhookConnectionDto> {
    return this.database.inTenant(tenant, (tx) => this.show(tx, tenant, provider));
  }

  /**
   * Connects the provider, or replaces its connection; the key, and so the URL path, stays the same.
   *
   * @throws RequestError validation_failed for a member that does not fit the provider or the scheme
   */
  async connect({ tenant, subject }: Principal, provider: ProviderId, wanted: ConnectWebhookDto): Promise<WebhookConnectionDto> {
    const { scheme = 'generic' } = wanted;
    assertScheme(provider, scheme);
    assertApiToken(scheme, wanted);
    const credential = credentialFor(scheme, wanted);
    const tolerance = toleranceFor(scheme, wanted.tolerance_seconds);
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const [row] = await tx.query<{ connection_id: string }[]>(CONNECT, [tenant.id, provider, newId('whc', now.getTime()), scheme, tolerance, now]);
      await tx.query(ENTER_IN_DIRECTORY, [tenant.id, row!.connection_id, provider]);
      if (provider === 'twilio') await this.delivery.reportTwilioTo(tx, tenant, scheme === 'twilio' ? row!.connection_id : null);
      const { api_token: token } = wanted;
      await tx.query(SET_API_TOKEN, [tenant.id, provider, token === undefined ? null : this.secrets.seal(token, apiTokenContext(tenant))]);
      await tx.query(DROP_SECRETS, [tenant.id, provider]);
      await this.addSecret(tx, tenant, provider, credential, now);
      await this.auditLog.add(tx, tenant, subject, 'webhook.connected', { provider, scheme });
      return { ...(await this.show(tx, tenant, provider)), ...(credential.generated && { secret: credential.secret }) };
    });
  }

  /**
   * Gives the connection a new secret or key; the previous one stays valid for another 24 hours.
   *
   * @throws WebhookError connection_not_found; RequestError validation_failed as {@link connect}
   */
  async rotate({ tenant, subject }: Principal, provider: ProviderId, wanted: RotateWebhookDto): Promise<WebhookConnectionDto> {
    return this.database.inTenant(tenant, async (tx) => {
      const now = this.clock.now();
      const { records } = (await tx.queryRunner!.query(ANOTHER_VERSION, [tenant.id, provider], true)) as { records: { scheme: SchemeName }[] };
      if (records[0] === undefined) throw new WebhookError('connection_not_found');
      const credential = credentialFor(records[0].scheme, wanted);
      await tx.query(RETIRE_SECRETS, [tenant.id, provider, now, new Date(now.getTime() + DAY)]);
      await this.addSecret(tx, tenant, provider, credential, now);
      await this.auditLog.add(tx, tenant, subject, 'webhook.secret_rotated', { provider });
      return { ...(await this.show(tx, tenant, provider)), ...(credential.generated && { secret: credential.secret }) };
    });
  }

  /** @throws WebhookError connection_not_found */
  async disconnect({ tenant, subject }: Principal, provider: ProviderId): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const { records } = (await tx.queryRunner!.query(DISCONNECT, [tenant.id, provider], true)) as { records: { connection_id: string }[] };
      if (records[0] === undefined) throw new WebhookError('connection_not_found');
      await tx.query(LEAVE_DIRECTORY, [tenant.id, records[0].connection_id]);
      if (provider === 'twilio') await this.delivery.reportTwilioTo(tx, tenant, null);
      await this.auditLog.add(tx, tenant, subject, 'webhook.disconnected', { provider });
    });
  }

  private async addSecret(tx: EntityManager, tenant: Tenant, provider: ProviderId, { secret }: Credential, now: Date): Promise<void> {
    await tx.query(ADD_SECRET, [tenant.id, provider, this.secrets.seal(secret, secretContext(tenant, provider)), now]);
  }

  private async show(tx: EntityManager, tenant: Tenant, provider: ProviderId): Promise<WebhookConnectionDto> {
    const [row] = await tx.query<ConnectionRow[]>(SHOW, [tenant.id, provider, this.clock.now()]);
    if (row === undefined) throw new WebhookError('connection_not_found');
    const url = `${this.env.PUBLIC_URL}/api/v1/marketing/webhooks/${provider}?connection=${row.connection_id}`;
    const secret = (): string => encodeURIComponent(this.secrets.open(row.sealed, secretContext(tenant, provider)));
    return {
      id: row.connection_id,
      status: row.broken ? 'error' : row.last_verified === null ? 'pending' : 'connected',
      reason: row.broken ? row.last_failure : null,
      last_verified: row.last_verified?.toISOString() ?? null,
      scheme: row.scheme,
      url: SCHEMES[row.scheme].key === 'in_url' ? `${url}&secret=${secret()}` : url,
      tolerance_seconds: row.tolerance_seconds,
      previous_secret_valid_until: row.previous_until?.toISOString() ?? null,
      failed_verifications: row.failed_verifications,
      has_api_token: row.has_api_token,
    };
  }
}

/** @throws RequestError validation_failed for a tolerance where the scheme signs no timestamp */
function toleranceFor(scheme: SchemeName, wanted: number | null | undefined): number | null {
  if (SCHEMES[scheme].timestamped) return wanted === undefined ? DEFAULT_TOLERANCE_SECONDS : wanted;
  if (typeof wanted === 'number') throw validationFailed([{ pointer: '/tolerance_seconds', code: 'not_of_scheme', detail: `${scheme} signs no timestamp.` }]);
  return null;
}

import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { COUNT_FAILURE, DIRECTORY, OPEN } from './connection.queries.js';
import { DEFAULT_TOLERANCE_SECONDS } from './dto/webhook-connection.dto.js';
import type { ProviderId } from './providers.js';
import { queryOf, type SchemeName, schemeMarked, type SignedRequest, type Trust } from './schemes/index.js';
import { deploymentSecrets, secretContext } from './secrets.js';

/** Whoever may post to us: a tenant's provider account, or the deployment's (then `tenant` is null, the events say whose they are). */
export interface Sender {
  tenant: Tenant | null;
  provider: ProviderId;
  /** Whether a connection was named. */
  connected: boolean;
  scheme: SchemeName;
  trust: Trust;
}

interface Entry {
  tenant: Tenant;
  provider: string;
}

const KEY = /^whc_[0-9a-hjkmnp-tv-z]{26}$/;
const MAX_REMEMBERED = 10_000;

/** Finds what a post's signature is to be held against. */
@Injectable()
export class Senders {
  private readonly directory = new Map<string, Entry>();

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
    private readonly delivery: Delivery,
    private readonly tenants: Tenants,
  ) {}

  /** @returns null when there is nothing to verify with: no such connection, or no secret of the deployment for what the request shows the signs of */
  async find(provider: ProviderId, connection: string | undefined, request: SignedRequest): Promise<Sender | null> {
    return connection === undefined ? this.deployment(provider, request) : this.connection(provider, connection);
  }

  /** All that a refused post leaves behind. */
  async countFailure({ tenant, provider, connected }: Sender): Promise<void> {
    if (tenant !== null && connected) await this.database.inTenant(tenant, (tx) => tx.query(COUNT_FAILURE, [tenant.id, provider]));
  }

  private async deployment(provider: ProviderId, request: SignedRequest): Promise<Sender | null> {
    const scheme = schemeMarked(provider, request);
    const own = scheme === 'twilio' ? await this.ownTwilio(request) : null;
    const secrets = [...deploymentSecrets(this.env, provider, scheme), ...(own === null ? [] : [own.token])];
    if (secrets.length === 0) return null;
    return { tenant: own?.tenant ?? null, connected: false, provider, scheme, trust: { secrets, toleranceSeconds: DEFAULT_TOLERANCE_SECONDS, now: this.clock.now() } };
  }

  /** What became of a message is told under the token of the account that it went over: maybe one of the tenant's own, and whose it is the message's id says. */
  private async ownTwilio({ url }: SignedRequest): Promise<{ tenant: Tenant; token: string } | null> {
    const key = decodeDeliveryId(new URLSearchParams(queryOf(url)).get('delivery_id') ?? '');
    const tenant = key === null ? null : await this.tenants.byId(key.tenantId);
    const token = tenant === null ? null : await this.database.inTenant(tenant, (tx) => this.delivery.twilioToken(tx, tenant));
    return tenant === null || token === null ? null : { tenant, token };
  }

  private async connection(provider: ProviderId, key: string): Promise<Sender | null> {
    const entry = KEY.test(key) ? await this.lookUp(key) : null;
    if (entry === null || entry.provider !== provider) return null;
    const { tenant } = entry;
    const now = this.clock.now();
    // Read for each post, so that a rotation or a disconnection holds at once on every process.
    const [row] = await this.database.rows<{ scheme: SchemeName; tolerance_seconds: number | null; sealed: Buffer[] | null }>(tenant, {
      text: OPEN,
      values: [tenant.id, provider, key, now],
      name: 'webhook_sender',
    });
    if (row === undefined) return null;
    const secrets = (row.sealed ?? []).map((one) => this.secrets.open(one, secretContext(tenant, provider)));
    return { tenant, provider, connected: true, scheme: row.scheme, trust: { secrets, toleranceSeconds: row.tolerance_seconds, now } };
  }

  private async lookUp(key: string): Promise<Entry | null> {
    const known = this.directory.get(key);
    if (known !== undefined) return known;
    const [row] = await this.database.inNoTenant((tx) => tx.query<{ id: number; name: string; provider: string }[]>(DIRECTORY, [key]));
    if (row === undefined) return null;
    if (this.directory.size >= MAX_REMEMBERED) this.directory.clear();
    const entry = { tenant: { id: row.id, name: row.name }, provider: row.provider };
    this.directory.set(key, entry);
    return entry;
  }
}

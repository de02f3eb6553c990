import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { COUNT_FAILURES, DIRECTORY, NOTE_CHECK, OPEN } from './connection.queries.js';
import { DEFAULT_TOLERANCE_SECONDS } from './dto/webhook-connection.dto.js';
import type { ProviderId } from './providers.js';
import type { Connection } from './inbox.js';
import { Rounds } from './rounds.js';
import { queryOf, type SchemeName, schemeMarked, type SignedRequest, type Trust, type Verdict } from './schemes/index.js';
import { deploymentSecrets, secretContext } from './secrets.js';

/** A provider account that may post to us: a tenant's own, or the deployment's (then `tenant` may be null, and the events name their tenants). */
export interface Sender {
  tenant: Tenant | null;
  /** The connection that the post names; null if none. */
  connection: Connection | null;
  provider: ProviderId;
  scheme: SchemeName;
  trust: Trust;
}

interface Entry {
  tenant: Tenant;
  provider: string;
}

/** A connection with its secrets. */
interface Open {
  version: number;
  scheme: SchemeName;
  tolerance: number | null;
  secrets: { text: string; validUntil: Date | null }[];
}

interface Failure {
  connection: string;
  reason: string;
}

const KEY = /^whc_[0-9a-hjkmnp-tv-z]{26}$/;
const MAX_REMEMBERED = 10_000;

/** Finds what a post's signature is verified with. */
@Injectable()
export class Senders {
  private readonly directory = new Map<string, Entry>();
  /** Connections as last read. {@link Inbox.keep} checks that their version is current, so a rotation or disconnection takes effect at once in every process. */
  private readonly known = new Map<string, Open>();
  private readonly reads = new Rounds<string, Open | null>((tenant, keys) => this.open(tenant, keys));
  private readonly failures = new Rounds<Failure, void>((tenant, failures) => this.count(tenant, failures));

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly env: Env,
    private readonly clock: Clock,
    private readonly delivery: Delivery,
    private readonly tenants: Tenants,
  ) {}

  /**
   * @param fresh whether to read the connection rather than use the cached one. A post that the cached one verifies is still checked by {@link Inbox.keep};
   *   one that it refuses may have been signed with a newer secret
   * @returns null if there is nothing to verify with: no such connection, or no secret of the deployment for the request's scheme
   */
  async find(provider: ProviderId, connection: string | undefined, request: SignedRequest, fresh: boolean): Promise<Sender | null> {
    return connection === undefined ? this.deployment(provider, request) : this.connection(provider, connection, fresh);
  }

  /** Counts a refused post; nothing else of it is kept. */
  async countFailure({ tenant, connection }: Sender, reason: (Verdict & { valid: false })['reason']): Promise<void> {
    if (tenant !== null && connection !== null) await this.failures.run(tenant, { connection: connection.id, reason });
  }

  /** Notes that the provider has proved that it has the secret, without posting an event. */
  async noteCheck({ tenant, connection, trust }: Sender): Promise<void> {
    if (tenant !== null && connection !== null) await this.database.inTenant(tenant, (tx) => tx.query(NOTE_CHECK, [tenant.id, connection.id, trust.now]));
  }

  private async deployment(provider: ProviderId, request: SignedRequest): Promise<Sender | null> {
    const scheme = schemeMarked(provider, request);
    const own = scheme === 'twilio' ? await this.ownTwilio(request) : null;
    const secrets = [...deploymentSecrets(this.env, provider, scheme), ...(own === null ? [] : [own.token])];
    if (secrets.length === 0) return null;
    return { tenant: own?.tenant ?? null, connection: null, provider, scheme, trust: { secrets, toleranceSeconds: DEFAULT_TOLERANCE_SECONDS, now: this.clock.now() } };
  }

  /** Twilio signs a status callback with the token of the account that sent the message. That may be the tenant's own account; the delivery id in the URL names the tenant. */
  private async ownTwilio({ url }: SignedRequest): Promise<{ tenant: Tenant; token: string } | null> {
    const key = decodeDeliveryId(new URLSearchParams(queryOf(url)).get('delivery_id') ?? '');
    const tenant = key === null ? null : await this.tenants.byId(key.tenantId);
    const token = tenant === null ? null : await this.database.inTenant(tenant, (tx) => this.delivery.twilioToken(tx, tenant));
    return tenant === null || token === null ? null : { tenant, token };
  }

  private async connection(provider: ProviderId, key: string, fresh: boolean): Promise<Sender | null> {
    const entry = KEY.test(key) ? await this.lookUp(key) : null;
    if (entry === null || entry.provider !== provider) return null;
    const { tenant } = entry;
    const open = (fresh ? undefined : this.known.get(key)) ?? (await this.reads.run(tenant, key));
    if (open === null) return null;
    const now = this.clock.now();
    const secrets = open.secrets.filter(({ validUntil }) => validUntil === null || validUntil > now).map(({ text }) => text);
    return { tenant, connection: { id: key, version: open.version }, provider, scheme: open.scheme, trust: { secrets, toleranceSeconds: open.tolerance, now } };
  }

  private async open(tenant: Tenant, keys: readonly string[]): Promise<(Open | null)[]> {
    interface Row { connection_id: string; version: number; provider: ProviderId; scheme: SchemeName; tolerance_seconds: number | null; sealed: Buffer[]; valid_until: (Date | null)[] }
    const rows = await this.database.rows<Row>(tenant, { text: OPEN, values: [tenant.id, [...new Set(keys)]], name: 'webhook_senders' });
    if (this.known.size + rows.length > MAX_REMEMBERED) this.known.clear();
    for (const key of keys) this.known.delete(key);
    for (const { connection_id: key, version, provider, scheme, tolerance_seconds: tolerance, sealed, valid_until: until } of rows) {
      const secrets = sealed.map((one, index) => ({ text: this.secrets.open(one, secretContext(tenant, provider)), validUntil: until[index]! }));
      this.known.set(key, { version, scheme, tolerance, secrets });
    }
    return keys.map((key) => this.known.get(key) ?? null);
  }

  private async count(tenant: Tenant, failures: readonly Failure[]): Promise<void[]> {
    const now = this.clock.now();
    const byConnection = Map.groupBy(failures, ({ connection }) => connection);
    await this.database.inTenant(tenant, async (tx) => {
      for (const [connection, own] of [...byConnection].sort(([a], [b]) => (a < b ? -1 : 1))) await tx.query(COUNT_FAILURES, [tenant.id, connection, own.length, now, own.at(-1)!.reason]);
    });
    return failures.map(() => undefined);
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

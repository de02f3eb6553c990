import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { Database } from '#database';
import { decodeDeliveryId, Delivery } from '#delivery';
import { Clock, type Tenant } from '#kernel';
import { Tenants } from '#tenants';
import { COUNT_FAILURES, DIRECTORY, NOTE_CHECK, OPEN } from './connection.queries.js';
import { DEFAULT_TOLERANCE_SECONDS } from './dto/webhook-connection.dto.js';
import type { ProviderId } from './providers.js';
import { Rounds } from './rounds.js';
import { queryOf, type SchemeName, schemeMarked, type SignedRequest, type Trust, type Verdict } from './schemes/index.js';
import { deploymentSecrets, secretContext } from './secrets.js';

/** Whoever may post to us: a tenant's provider account, or the deployment's (then `tenant` is null, the events say whose they are). */
export interface Sender {
  tenant: Tenant | null;
  /** The key of the connection that was named; null where none was. */
  connection: string | null;
  provider: ProviderId;
  scheme: SchemeName;
  trust: Trust;
}

interface Entry {
  tenant: Tenant;
  provider: string;
}

/** A connection with the secrets that are good now. */
interface Open {
  provider: ProviderId;
  scheme: SchemeName;
  tolerance: number | null;
  secrets: string[];
}

interface Failure {
  connection: string;
  reason: string;
}

const KEY = /^whc_[0-9a-hjkmnp-tv-z]{26}$/;
const MAX_REMEMBERED = 10_000;

/** Finds what a post's signature is to be held against. */
@Injectable()
export class Senders {
  private readonly directory = new Map<string, Entry>();
  /** Read for each post, so that a rotation or a disconnection holds at once on every process. */
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

  /** @returns null when there is nothing to verify with: no such connection, or no secret of the deployment for what the request shows the signs of */
  async find(provider: ProviderId, connection: string | undefined, request: SignedRequest): Promise<Sender | null> {
    return connection === undefined ? this.deployment(provider, request) : this.connection(provider, connection);
  }

  /** All that a refused post leaves behind. */
  async countFailure({ tenant, connection }: Sender, reason: (Verdict & { valid: false })['reason']): Promise<void> {
    if (tenant !== null && connection !== null) await this.failures.run(tenant, { connection, reason });
  }

  /** Notes that the provider has shown the connection's secret, without having anything to tell. */
  async noteCheck({ tenant, connection, trust }: Sender): Promise<void> {
    if (tenant !== null) await this.database.inTenant(tenant, (tx) => tx.query(NOTE_CHECK, [tenant.id, connection, trust.now]));
  }

  private async deployment(provider: ProviderId, request: SignedRequest): Promise<Sender | null> {
    const scheme = schemeMarked(provider, request);
    const own = scheme === 'twilio' ? await this.ownTwilio(request) : null;
    const secrets = [...deploymentSecrets(this.env, provider, scheme), ...(own === null ? [] : [own.token])];
    if (secrets.length === 0) return null;
    return { tenant: own?.tenant ?? null, connection: null, provider, scheme, trust: { secrets, toleranceSeconds: DEFAULT_TOLERANCE_SECONDS, now: this.clock.now() } };
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
    const open = await this.reads.run(tenant, key);
    if (open === null) return null;
    return { tenant, connection: key, provider, scheme: open.scheme, trust: { secrets: open.secrets, toleranceSeconds: open.tolerance, now: this.clock.now() } };
  }

  private async open(tenant: Tenant, keys: readonly string[]): Promise<(Open | null)[]> {
    type Row = Pick<Open, 'provider' | 'scheme'> & { connection_id: string; tolerance_seconds: number | null; sealed: Buffer[] | null };
    const rows = await this.database.rows<Row>(tenant, { text: OPEN, values: [tenant.id, [...new Set(keys)], this.clock.now()], name: 'webhook_senders' });
    const opened = new Map(rows.map(({ connection_id: id, provider, scheme, tolerance_seconds: tolerance, sealed }) => {
      return [id, { provider, scheme, tolerance, secrets: (sealed ?? []).map((one) => this.secrets.open(one, secretContext(tenant, provider))) }];
    }));
    return keys.map((key) => opened.get(key) ?? null);
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

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Env, Secrets } from '#config';
import { Outbound } from '#http';
import type { Tenant } from '#kernel';
import { type Channel as ChannelName, CHANNELS } from '#tenants';
import type { Channel } from './channel.js';
import { type Credentials, PROVIDER_IDS, type ProviderId, PROVIDERS, providersOf } from './providers.js';
import { PushChannel } from './push.js';

/** What a tenant's credentials are sealed for: copied to the row of another tenant or provider, they do not open. */
export const credentialContext = (tenant: Tenant, provider: ProviderId): string => `channel_credentials/${tenant.id}/${provider}`;

/** Most recently connected first. $1 tenant */
const CREDENTIALS = `
  SELECT provider, sealed, version, max_per_second, r.connection FROM channel_credentials c LEFT JOIN channel_reports r USING (tenant_id, provider)
   WHERE tenant_id = $1 ORDER BY connected_at DESC, provider`;

/** $1 tenant, $2 provider, $3 connection */
const REPORT = 'INSERT INTO channel_reports (tenant_id, provider, connection) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, provider) DO UPDATE SET connection = excluded.connection';
const REPORT_NOWHERE = 'DELETE FROM channel_reports WHERE tenant_id = $1 AND provider = $2';

/** How many of the tenants' own channels are kept open; beyond that, the least recently used are closed. */
const KEPT = 200;

interface Stored {
  provider: ProviderId;
  sealed: Buffer;
  version: number;
  max_per_second: number | null;
  connection: string | null;
}

interface Own {
  version: number;
  connection: string | null;
  channel: Channel;
}

/** The channels that messages are sent over: a tenant's own, else the deployment's. Connections are opened by the first message. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  private readonly ofDeployment = new Map<ProviderId, Channel>();
  /** Kept, because a channel's pace is remembered by its object. */
  private readonly pairs = new WeakMap<Channel, WeakMap<Channel, Channel>>();
  private readonly ofTenants = new Map<string, Own>();

  constructor(
    private readonly env: Env,
    private readonly secrets: Secrets,
    private readonly outbound: Outbound,
  ) {
    for (const id of PROVIDER_IDS) {
      const channel = PROVIDERS[id].ofDeployment(env, outbound);
      if (channel !== null) this.ofDeployment.set(id, channel);
    }
  }

  /** The tenant's channels, by name; those that nobody configured are missing. */
  async of(tx: EntityManager, tenant: Tenant): Promise<ReadonlyMap<ChannelName, Channel>> {
    const rows = await tx.query<Stored[]>(CREDENTIALS, [tenant.id]);
    const channels = new Map<ChannelName, Channel>();
    for (const name of CHANNELS) {
      const used = this.providers(name, rows.map((row) => row.provider)).map((id) => {
        const own = rows.find((row) => row.provider === id);
        return own === undefined ? this.ofDeployment.get(id)! : this.open(tenant, own);
      });
      if (used.length > 0) channels.set(name, used.length === 1 ? used[0]! : this.together(used[0]!, used[1]!));
    }
    return channels;
  }

  /**
   * The providers that the channel's messages go over.
   *
   * @param own the tenant's, newest first
   */
  providers(name: ChannelName, own: readonly ProviderId[]): ProviderId[] {
    return providersOf(name, own, [...this.ofDeployment.keys()]);
  }

  /** Whether a tenant without credentials for the channel sends over the operator's with this provider. */
  hasDeployment(provider: ProviderId): boolean {
    return this.providers(PROVIDERS[provider].channel, []).includes(provider);
  }

  /** Whether replies to the channel's messages come to the operator's number. */
  isOperatorsNumber(channel: Channel): boolean {
    return channel === this.ofDeployment.get('twilio');
  }

  onApplicationShutdown(): void {
    for (const channel of [...this.ofDeployment.values(), ...[...this.ofTenants.values()].map((own) => own.channel)]) channel.close();
  }

  private together(browsers: Channel, apps: Channel): Channel {
    let pairs = this.pairs.get(browsers);
    if (pairs === undefined) this.pairs.set(browsers, (pairs = new WeakMap<Channel, Channel>()));
    let pair = pairs.get(apps);
    if (pair === undefined) pairs.set(apps, (pair = new PushChannel(browsers, apps)));
    return pair;
  }

  /** The tenant's own credentials of the provider; null when it sends over the deployment's, or not at all. */
  async credentials(tx: EntityManager, tenant: Tenant, provider: ProviderId): Promise<Credentials | null> {
    const own = (await tx.query<Stored[]>(CREDENTIALS, [tenant.id])).find((row) => row.provider === provider);
    return own === undefined ? null : this.unsealed(tenant, own);
  }

  /** Sets the webhook connection to which the provider reports what becomes of the tenant's own messages; null for the deployment's. */
  async report(tx: EntityManager, tenant: Tenant, provider: ProviderId, connection: string | null): Promise<void> {
    await (connection === null ? tx.query(REPORT_NOWHERE, [tenant.id, provider]) : tx.query(REPORT, [tenant.id, provider, connection]));
  }

  private unsealed(tenant: Tenant, { provider, sealed, connection }: Stored): Credentials {
    const credentials = JSON.parse(this.secrets.open(sealed, credentialContext(tenant, provider))) as Credentials;
    return connection === null ? credentials : { ...credentials, connection };
  }

  private open(tenant: Tenant, stored: Stored): Channel {
    const { provider, version, connection, max_per_second } = stored;
    const name = `${tenant.id}/${provider}`;
    const known = this.ofTenants.get(name);
    this.ofTenants.delete(name); // set again below, at the end, as the most recently used
    const same = known?.version === version && known.connection === connection;
    const own = same ? known : { version, connection, channel: PROVIDERS[provider].ofTenant(this.unsealed(tenant, stored), this.env, max_per_second, this.outbound) };
    if (known !== own) known?.channel.close();
    this.ofTenants.set(name, own);
    for (const [oldest, { channel }] of this.ofTenants) {
      if (this.ofTenants.size <= KEPT) break;
      this.ofTenants.delete(oldest);
      channel.close();
    }
    return own.channel;
  }
}

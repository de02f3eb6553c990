import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Env, Secrets } from '#config';
import { Outbound } from '#http';
import type { Tenant } from '#kernel';
import { type Channel as ChannelName, CHANNELS } from '#tenants';
import type { Channel } from './channel.js';
import { type Credentials, PROVIDER_IDS, type ProviderId, PROVIDERS, providersOf } from './providers.js';
import { PushChannel } from './push.js';

/** What a tenant's credentials are bound to: copied to another tenant's or provider's row they do not open. */
export const credentialContext = (tenant: Tenant, provider: ProviderId): string => `channel_credentials/${tenant.id}/${provider}`;

/** Of several, those connected last. $1 tenant */
const CREDENTIALS = 'SELECT provider, sealed, version, max_per_second FROM channel_credentials WHERE tenant_id = $1 ORDER BY connected_at DESC, provider';

/** Tenants' own channels that are kept open; of more, those not used for longest are closed. */
const KEPT = 200;

interface Stored {
  provider: ProviderId;
  sealed: Buffer;
  version: number;
  max_per_second: number | null;
}

interface Own {
  version: number;
  channel: Channel;
}

/** The ways to send that there are: a tenant's own, else the deployment's. Connections are opened by the first message. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  private readonly ofDeployment = new Map<ProviderId, Channel>();
  /** Kept, since what is known of a channel's pace is known by it. */
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

  /** The tenant's channels, by name; those nobody configured are missing. */
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

  /** Whether messages go over the operator's credentials of the provider where a tenant has none of the channel. */
  hasDeployment(provider: ProviderId): boolean {
    return this.providers(PROVIDERS[provider].channel, []).includes(provider);
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

  private open(tenant: Tenant, { provider, sealed, version, max_per_second }: Stored): Channel {
    const name = `${tenant.id}/${provider}`;
    const known = this.ofTenants.get(name);
    this.ofTenants.delete(name); // and to the end, as the one used last
    const credentials = (): Credentials => JSON.parse(this.secrets.open(sealed, credentialContext(tenant, provider))) as Credentials;
    const own = known?.version === version ? known : { version, channel: PROVIDERS[provider].ofTenant(credentials(), this.env, max_per_second, this.outbound) };
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

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Env, Secrets } from '#config';
import { Outbound } from '#http';
import type { Tenant } from '#kernel';
import type { Channel as ChannelName } from '#tenants';
import type { Channel } from './channel.js';
import { type Credentials, PROVIDER_IDS, type ProviderId, PROVIDERS } from './providers.js';

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
  private readonly ofDeployment = new Map<ChannelName, Channel>();
  private readonly ofTenants = new Map<string, Own>();

  constructor(
    private readonly env: Env,
    private readonly secrets: Secrets,
    private readonly outbound: Outbound,
  ) {
    for (const id of PROVIDER_IDS) {
      const { channel: name, ofDeployment } = PROVIDERS[id];
      const channel = this.ofDeployment.has(name) ? null : ofDeployment(env, outbound);
      if (channel !== null) this.ofDeployment.set(name, channel);
    }
  }

  /** The tenant's channels, by name; those nobody configured are missing. */
  async of(tx: EntityManager, tenant: Tenant): Promise<ReadonlyMap<ChannelName, Channel>> {
    const rows = await tx.query<Stored[]>(CREDENTIALS, [tenant.id]);
    const channels = new Map(this.ofDeployment);
    const own = new Set<ChannelName>();
    for (const row of rows) {
      const { channel } = PROVIDERS[row.provider];
      if (!own.has(channel)) channels.set(channel, this.open(tenant, row));
      own.add(channel);
    }
    return channels;
  }

  /** The deployment's own provider of the channel, if it has one. */
  deploymentProvider(channel: ChannelName): string | null {
    return this.ofDeployment.get(channel)?.provider ?? null;
  }

  onApplicationShutdown(): void {
    for (const channel of [...this.ofDeployment.values(), ...[...this.ofTenants.values()].map((own) => own.channel)]) channel.close();
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

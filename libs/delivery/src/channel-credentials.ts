import { Injectable } from '@nestjs/common';
import type { Principal } from '#auth';
import { Secrets } from '#config';
import { Database } from '#database';
import { newWebhookSecret } from '#http';
import { Clock, type Tenant, validationFailed } from '#kernel';
import { AuditLog } from '#tenants';
import { Channels, credentialContext } from './channels/channels.js';
import { type Credentials, PROVIDER_IDS, type ProviderId, PROVIDERS } from './channels/providers.js';
import { serviceAccountKey } from './channels/google-tokens.js';
import { vapidKey } from './channels/webpush.js';
import { DeliveryError } from './delivery.errors.js';
import type { ChannelDto, ChannelListDto, ConnectedHttpDto, ConnectFcmDto, ConnectHttpDto, ConnectWebPushDto } from './dto/channel.dto.js';

/** A version never comes again, not even after a disconnect: workers know by it what they have open. */
const CONNECT = `
  INSERT INTO channel_credentials (tenant_id, provider, sealed, version, connected_at, max_per_second) VALUES ($1, $2, $3, nextval('channel_version'), $4, $5)
  ON CONFLICT (tenant_id, provider) DO UPDATE SET sealed = excluded.sealed, version = excluded.version, connected_at = excluded.connected_at, max_per_second = excluded.max_per_second`;

/** Which providers a tenant sends over. What it gave us to do so is sealed, and never shown again. */
@Injectable()
export class ChannelCredentials {
  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
    private readonly secrets: Secrets,
    private readonly clock: Clock,
    private readonly channels: Channels,
  ) {}

  async list(tenant: Tenant): Promise<ChannelListDto> {
    const rows = await this.database.rows<{ provider: ProviderId; connected_at: Date; max_per_second: number | null }>(tenant, {
      text: 'SELECT provider, connected_at, max_per_second FROM channel_credentials WHERE tenant_id = $1 ORDER BY connected_at DESC, provider', values: [tenant.id], name: 'channels_list',
    });
    return {
      channels: PROVIDER_IDS.map((provider): ChannelDto => {
        const { channel } = PROVIDERS[provider];
        const own = rows.find((row) => row.provider === provider);
        return {
          provider,
          channel,
          status: own !== undefined ? 'connected' : this.channels.hasDeployment(provider) ? 'deployment' : 'disconnected',
          in_use: this.channels.providers(channel, rows.map((row) => row.provider)).includes(provider),
          connected_at: own?.connected_at.toISOString() ?? null,
          max_per_second: own?.max_per_second ?? null,
        };
      }),
    };
  }

  async connect({ tenant, subject }: Principal, provider: ProviderId, credentials: Credentials, maxPerSecond: number | null = null): Promise<ChannelDto> {
    await this.database.inTenant(tenant, async (tx) => {
      await tx.query(CONNECT, [tenant.id, provider, this.secrets.seal(JSON.stringify(credentials), credentialContext(tenant, provider)), this.clock.now(), maxPerSecond]);
      await this.auditLog.add(tx, tenant, subject, 'channel.connected', { provider });
    });
    const { channels } = await this.list(tenant);
    return channels.find((one) => one.provider === provider)!;
  }

  /** @returns the secret too, which nobody is shown again */
  async connectHttp(caller: Principal, provider: ProviderId, { url, secret = newWebhookSecret(), max_per_second }: ConnectHttpDto): Promise<ConnectedHttpDto> {
    return { ...(await this.connect(caller, provider, { url, secret }, max_per_second)), secret };
  }

  /** @throws RequestError validation_failed when the keys are no pair */
  connectWebPush(caller: Principal, { max_per_second, ...keys }: ConnectWebPushDto): Promise<ChannelDto> {
    try {
      vapidKey({ publicKey: keys.public_key, privateKey: keys.private_key });
    } catch {
      throw validationFailed([{ pointer: '/private_key', code: 'key_pair', detail: 'private_key and public_key are no pair of P-256 keys.' }]);
    }
    return this.connect(caller, 'webpush', keys, max_per_second);
  }

  /** @throws RequestError validation_failed when the key is none */
  connectFcm(caller: Principal, { max_per_second, client_email, private_key, project_id }: ConnectFcmDto): Promise<ChannelDto> {
    try {
      serviceAccountKey(private_key);
    } catch {
      throw validationFailed([{ pointer: '/private_key', code: 'private_key', detail: 'private_key must be the RSA key of the service account, in PEM.' }]);
    }
    return this.connect(caller, 'fcm', { client_email, private_key, project_id }, max_per_second);
  }

  /** @throws DeliveryError channel_not_found */
  async disconnect({ tenant, subject }: Principal, provider: string): Promise<void> {
    await this.database.inTenant(tenant, async (tx) => {
      const { affected } = (await tx.queryRunner!.query('DELETE FROM channel_credentials WHERE tenant_id = $1 AND provider = $2', [tenant.id, provider], true)) as { affected: number };
      if (affected === 0) throw new DeliveryError('channel_not_found');
      await this.auditLog.add(tx, tenant, subject, 'channel.disconnected', { provider });
    });
  }
}

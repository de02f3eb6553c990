import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Env } from '#config';
import type { Channel as ChannelName } from '#tenants';
import type { Channel } from './channel.js';
import { SmtpChannel } from './smtp.js';

/** The channels this deployment can send over. Connections are opened by the first message. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  private readonly byName = new Map<ChannelName, Channel>();

  constructor(env: Env) {
    if (env.SMTP_URL !== undefined) this.byName.set('email', new SmtpChannel(env.SMTP_URL));
  }

  get(name: ChannelName): Channel | undefined {
    return this.byName.get(name);
  }

  onApplicationShutdown(): void {
    for (const channel of this.byName.values()) channel.close();
  }
}

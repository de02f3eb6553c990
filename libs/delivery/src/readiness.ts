import { domainToASCII } from 'node:url';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import type { EntityManager } from 'typeorm';
import type { Tenant } from '#kernel';
import type { Channel, Settings } from '#tenants';
import { Channels } from './channels/channels.js';
import type { EmailSender } from './message.js';
import type { Hindrance } from './mailing.js';

/** Why nothing can be sent: a refusal of a start, the reason of a pause, a warning before either. */
export interface Unready extends Hindrance {
  code: 'sender_not_configured' | 'channel_not_configured';
  params: { channels: readonly Channel[] } | { missing: readonly string[] };
}

/** Whether the deployment and the tenant's settings have what sending needs. Both may change while a mailing is under way. */
@Injectable()
export class Readiness {
  constructor(
    private readonly env: Env,
    private readonly channels: Channels,
  ) {}

  async hindrance(tx: EntityManager, tenant: Tenant, channels: readonly Channel[], settings: Settings): Promise<Unready | null> {
    const configured = await this.channels.of(tx, tenant);
    const unconfigured = channels.filter((channel) => !configured.has(channel));
    if (unconfigured.length > 0) {
      return { code: 'channel_not_configured', detail: `No provider is configured for ${unconfigured.join(', ')}.`, params: { channels: unconfigured } };
    }
    const missing = channels.flatMap((channel) => this.missing(channel, settings));
    return missing.length === 0 ? null : { code: 'sender_not_configured', detail: `The settings lack ${missing.join(' and ')}.`, params: { missing } };
  }

  /** Who writes emails: the tenant, or the deployment for it; null when neither says. */
  emailSender({ sender }: Settings): EmailSender | null {
    const email = sender.from_email ?? this.env.DEFAULT_FROM_EMAIL;
    const postalAddress = sender.postal_address ?? this.env.DEFAULT_POSTAL_ADDRESS;
    return email === undefined || postalAddress === undefined ? null : { email: inAscii(email), name: sender.from_name, replyTo: sender.reply_to === null ? null : inAscii(sender.reply_to), postalAddress };
  }

  /** Where text messages come from, likewise. */
  smsSender({ sender }: Settings): string | null {
    return sender.sms_from ?? this.env.TWILIO_MESSAGING_SERVICE_SID ?? null;
  }

  private missing(channel: Channel, { sender }: Settings): string[] {
    const { DEFAULT_FROM_EMAIL, DEFAULT_POSTAL_ADDRESS, TWILIO_MESSAGING_SERVICE_SID } = this.env;
    const needed: Record<Channel, Record<string, string | null | undefined>> = {
      email: { 'sender.from_email': sender.from_email ?? DEFAULT_FROM_EMAIL, 'sender.postal_address': sender.postal_address ?? DEFAULT_POSTAL_ADDRESS },
      sms: { 'sender.sms_from': sender.sms_from ?? TWILIO_MESSAGING_SERVICE_SID },
      push: {},
    };
    return Object.entries(needed[channel]).filter(([, value]) => (value ?? null) === null).map(([name]) => name);
  }
}

/** The address with its domain as DNS has it: headers and commands may hold no other (RFC 5890). */
const inAscii = (email: string): string => email.replace(/@.*$/, (domain) => `@${domainToASCII(domain.slice(1)) || domain.slice(1)}`);

import { Injectable } from '@nestjs/common';
import type { Tenant } from '#kernel';
import type { Channel, Settings } from '#tenants';
import type { Content } from './content.js';
import { EmailTemplate } from './email.js';
import type { Writer } from './message.js';
import { PushTemplate } from './push.js';
import { Readiness } from './readiness.js';
import { SmsTemplate } from './sms.js';
import { TrackingTokens } from './tracking-token.js';

/** Mailings whose templates are kept parsed; few are under way at a time. */
const KEPT = 50;

/** What is written, as far as its writing needs it. */
export interface Written {
  campaign_no: number;
  type: string;
  content: Content;
  promo_code: string | null;
}

/** Writes mailings' messages, each mailing's templates parsed once. */
@Injectable()
export class Writers {
  private readonly emails = new Map<string, EmailTemplate>();
  private readonly texts = new Map<string, SmsTemplate>();
  private readonly pushes = new Map<string, PushTemplate>();

  constructor(
    private readonly readiness: Readiness,
    private readonly tokens: TrackingTokens,
  ) {}

  /** @returns null when nobody is set to send from */
  of(tenant: Tenant, mailing: Written, channel: Channel, settings: Settings): Writer | null {
    if (channel === 'sms') {
      const from = this.readiness.smsSender(settings);
      if (from === null) return null;
      const template = kept(this.texts, tenant, mailing, () => new SmsTemplate(mailing.content, mailing, this.tokens));
      return (key, to, profile) => template.compose(key, to, profile, from);
    }
    if (channel === 'push') {
      const template = kept(this.pushes, tenant, mailing, () => new PushTemplate(mailing.content, mailing.promo_code, this.tokens));
      return (key, to, profile) => template.compose(key, to, profile);
    }
    const sender = this.readiness.emailSender(settings);
    if (sender === null) return null;
    const template = kept(this.emails, tenant, mailing, () => new EmailTemplate(mailing.content, mailing.promo_code, this.tokens));
    return (key, to, profile) => template.compose(key, to, profile, sender);
  }
}

function kept<Template>(templates: Map<string, Template>, tenant: Tenant, { campaign_no }: Written, make: () => Template): Template {
  const name = `${tenant.id}/${campaign_no}`;
  let template = templates.get(name);
  if (template === undefined) {
    if (templates.size >= KEPT) templates.clear();
    templates.set(name, (template = make()));
  }
  return template;
}

import { Injectable } from '@nestjs/common';
import type { CustomerProfile } from '#customers';
import type { Tenant } from '#kernel';
import type { Channel, Settings } from '#tenants';
import { type Content, localeFor } from './content.js';
import { EmailTemplate } from './email.js';
import type { Writer } from './message.js';
import type { MailingOptions } from './options.js';
import { PushTemplate } from './push.js';
import { Readiness } from './readiness.js';
import { SmsTemplate } from './sms.js';
import { TrackingTokens } from './tracking-token.js';
import { utmOf } from './utm.js';

/** Mailings' templates that are kept parsed, one for each language; few are under way at a time. */
const KEPT = 200;

/** What is written, as far as its writing needs it. */
export interface Written {
  campaign_no: number;
  type: string;
  content: Content;
  promo_code: string | null;
  campaign_id: string;
  options: MailingOptions;
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
    const { content, type, promo_code } = mailing;
    const about = { type, promo_code, utm: utmOf(mailing, channel) };
    /** The template in the recipient's language. */
    const inLanguage = <Template>(templates: Map<string, Template>, make: (locale: string | null) => Template) => ({ locale }: CustomerProfile): Template => {
      const chosen = localeFor(content, locale);
      return kept(templates, `${tenant.id}/${mailing.campaign_no}/${chosen ?? ''}`, () => make(chosen));
    };
    if (channel === 'sms') {
      const from = this.readiness.smsSender(settings);
      if (from === null) return null;
      const templateFor = inLanguage(this.texts, (locale) => new SmsTemplate(content, locale, about, this.tokens));
      return (key, to, profile) => templateFor(profile).compose(key, to, profile, from);
    }
    if (channel === 'push') {
      const templateFor = inLanguage(this.pushes, (locale) => new PushTemplate(content, locale, promo_code, this.tokens));
      return (key, to, profile) => templateFor(profile).compose(key, to, profile);
    }
    const sender = this.readiness.emailSender(settings);
    if (sender === null) return null;
    const templateFor = inLanguage(this.emails, (locale) => new EmailTemplate(content, locale, about, this.tokens));
    return (key, to, profile) => templateFor(profile).compose(key, to, profile, sender);
  }
}

function kept<Template>(templates: Map<string, Template>, name: string, make: () => Template): Template {
  let template = templates.get(name);
  if (template === undefined) {
    if (templates.size >= KEPT) templates.clear();
    templates.set(name, (template = make()));
  }
  return template;
}

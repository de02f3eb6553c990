import { Inject, Injectable } from '@nestjs/common';
import type { CustomerProfile } from '#customers';
import type { Tenant } from '#kernel';
import type { Channel, Settings } from '#tenants';
import { type Content, localeFor } from './content.js';
import { EmailTemplate } from './email.js';
import { type EmailSender, type MessageFault, TooLarge, type Writer } from './message.js';
import type { MailingOptions } from './options.js';
import { PushTemplate } from './push.js';
import { Readiness } from './readiness.js';
import { SmsTemplate } from './sms.js';
import { isOverLimit } from './template.js';
import { type MessageLinks, TrackingTokens } from './tracking-token.js';
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
  /** Which variant the content is; null or left out without any. */
  variant?: string | null;
}

/** Whom messages come from, where that is set. */
interface Senders {
  email: EmailSender | null;
  sms: string | null;
}

const NOBODY: EmailSender = { email: '', name: null, replyTo: null, postalAddress: '' };

/** Writes mailings' messages, each mailing's templates parsed once. */
@Injectable()
export class Writers {
  private readonly emails = new Map<string, EmailTemplate>();
  private readonly texts = new Map<string, SmsTemplate>();
  private readonly pushes = new Map<string, PushTemplate>();

  constructor(
    private readonly readiness: Readiness,
    @Inject(TrackingTokens) private readonly tokens: MessageLinks,
  ) {}

  /** @returns null when nobody is set to send from */
  of(tenant: Tenant, mailing: Written, channel: Channel, settings: Settings): Writer | null {
    return this.write(tenant, mailing, channel, { email: this.readiness.emailSender(settings), sms: this.readiness.smsSender(settings) });
  }

  /** The same for what is not a mailing yet and may change: nothing is kept, links are the caller's, and whoever it comes from may still be unknown. */
  draft(tenant: Tenant, draft: Written, channel: Channel, settings: Settings, links: MessageLinks): Writer {
    const senders: Senders = { email: this.readiness.emailSender(settings) ?? NOBODY, sms: this.readiness.smsSender(settings) ?? '' };
    return new Writers(this.readiness, links).write(tenant, draft, channel, senders)!;
  }

  private write(tenant: Tenant, mailing: Written, channel: Channel, senders: Senders): Writer | null {
    const { content, type, promo_code } = mailing;
    const about = { type, promo_code, utm: utmOf(mailing, channel) };
    /** The template in the recipient's language. */
    const inLanguage = <Template>(templates: Map<string, Template>, make: (locale: string | null) => Template) => ({ locale }: CustomerProfile): Template => {
      const chosen = localeFor(content, locale);
      return kept(templates, `${tenant.id}/${mailing.campaign_no}/${mailing.variant ?? ''}/${chosen ?? ''}`, () => make(chosen));
    };
    if (channel === 'sms') {
      const from = senders.sms;
      if (from === null) return null;
      const templateFor = inLanguage(this.texts, (locale) => new SmsTemplate(content, locale, about, this.tokens));
      return (key, to, profile) => templateFor(profile).compose(key, to, profile, from);
    }
    if (channel === 'push') {
      const templateFor = inLanguage(this.pushes, (locale) => new PushTemplate(content, locale, promo_code, this.tokens));
      return (key, to, profile) => templateFor(profile).compose(key, to, profile);
    }
    const sender = senders.email;
    if (sender === null) return null;
    const templateFor = inLanguage(this.emails, (locale) => new EmailTemplate(content, locale, about, this.tokens));
    return (key, to, profile) => templateFor(profile).compose(key, to, profile, sender);
  }
}

/** Why a message was not written. */
export const faultOf = (error: unknown): MessageFault => (error instanceof TooLarge ? 'email_too_large' : isOverLimit(error) ? 'template_limit_exceeded' : 'template_failed');

function kept<Template>(templates: Map<string, Template>, name: string, make: () => Template): Template {
  let template = templates.get(name);
  if (template === undefined) {
    if (templates.size >= KEPT) templates.clear();
    templates.set(name, (template = make()));
  }
  return template;
}

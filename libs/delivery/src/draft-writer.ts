import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import type { CustomerProfile } from '#customers';
import type { Tenant } from '#kernel';
import { sampleCode } from '#promos';
import type { Channel, Settings } from '#tenants';
import type { Channel as Carrier } from './channels/channel.js';
import type { Content } from './content.js';
import { customerScope } from './customer-scope.js';
import { linksOf } from './links.js';
import type { Message, MessageFault } from './message.js';
import type { MailingOptions } from './options.js';
import { HONEYPOT } from './scanner.js';
import { smsSegments, type SmsSegments } from './sms-segments.js';
import { compile, render } from './template.js';
import { blankLinks, type MessageLinks } from './tracking-token.js';
import { Variants } from './variants.js';
import { faultOf, Writers } from './writers.js';

/** A campaign that may not have started. */
export interface Draft {
  campaignId: string;
  campaignNo: number;
  type: string;
  channels: Channel[];
  content: Content | null;
  promoCode: string | null;
  endsAt: Date | null;
  options: MailingOptions;
  /** The variant to show; by default the one that the customer gets. */
  variant?: string;
  /** The winner of its test, once it is known. */
  winner?: string | null;
}

/** One message of a draft. */
export interface Drafted {
  draft: Draft;
  channel: Channel;
  profile: CustomerProfile;
  settings: Settings;
  /** Empty if there is none. */
  address: string;
  /** The customer's own code, if each has one; without it the message shows a sample. */
  promoCode?: string;
  /** The channel that would send it, if one is configured. */
  carrier?: Carrier;
}

/** What a message looks like to whoever gets it. */
export interface Shown {
  subject: string | null;
  html: string | null;
  text: string | null;
  url: string | null;
}

/** What the message would be when sent, with tracked links. */
export interface Measured {
  sms: SmsSegments | null;
  error: MessageFault | null;
}

/** Customer numbers from here on belong to nobody, so that a provider's report about a test finds no delivery. */
export const NO_CUSTOMER = 0x40000000;

const NOTHING: Shown = { subject: null, html: null, text: null, url: null };

/** Writes messages for previews and tests; no link in them is tracked. */
@Injectable()
export class DraftWriter {
  private readonly blank: MessageLinks;

  constructor(
    private readonly env: Env,
    private readonly writers: Writers,
  ) {
    this.blank = blankLinks(env.PUBLIC_URL);
  }

  /**
   * The message, with links straight to their targets.
   *
   * @throws LiquidError, TooLarge as {@link Writers} do
   */
  write(tenant: Tenant, drafted: Drafted): Message {
    return this.compose(tenant, drafted, (content, promoCode) => this.direct(content, drafted.profile, promoCode));
  }

  /** The message as {@link write} makes it, and its measures. A message that is merely too long is shown nevertheless. */
  show(tenant: Tenant, drafted: Drafted): Shown & Measured {
    try {
      return { ...shown(this.write(tenant, drafted)), ...this.measure(tenant, drafted) };
    } catch (error) {
      return { ...NOTHING, sms: null, error: faultOf(error) };
    }
  }

  /** The measures alone. A tracked link may be longer or shorter than its target, so the measured message has links as long as tracked ones. */
  measure(tenant: Tenant, drafted: Drafted): Measured {
    try {
      const message = this.compose(tenant, drafted, () => this.blank);
      const sms = drafted.channel === 'sms' && 'text' in message ? smsSegments(message.text) : null;
      return { sms, error: drafted.address === '' ? null : (drafted.carrier?.refusal?.(message) ?? null) };
    } catch (error) {
      return { sms: null, error: faultOf(error) };
    }
  }

  private compose(tenant: Tenant, { draft, channel, profile, settings, address, promoCode: own }: Drafted, linksIn: (content: Content, promoCode: string | null) => MessageLinks): Message {
    const { campaignId, campaignNo, type, options } = draft;
    const promoCode = options.unique_promo_codes && draft.promoCode !== null ? (own ?? sampleCode(draft.promoCode)) : draft.promoCode;
    const content = variantsOf(draft).content(variantFor(draft, profile));
    const written = { campaign_no: campaignNo, campaign_id: campaignId, type, content, promo_code: promoCode, options };
    const write = this.writers.draft(tenant, written, channel, settings, linksIn(content, promoCode));
    const key = { tenantId: tenant.id, campaignNo, customerNo: randomInt(NO_CUSTOMER, 0x7fffffff), channel };
    return write(key, { address, hash: Buffer.alloc(32) }, profile);
  }

  /** Links directly to the targets; there is nothing to unsubscribe from. */
  private direct(content: Content, profile: CustomerProfile, promoCode: string | null): MessageLinks {
    const urls = content.links ?? linksOf(content);
    const scope = { customer: customerScope(profile), promo_code: promoCode };
    return {
      url: (kind, _, linkNo = 0) => (kind === 'o' ? `${this.env.PUBLIC_URL}/t/o/test.gif` : linkNo === HONEYPOT ? `${this.env.PUBLIC_URL}/t/c/test` : render(compile(urls[linkNo]!), scope)),
      unsubscribeUrl: () => `${this.env.PUBLIC_URL}/t/u/test`,
    };
  }
}

const variantsOf = ({ campaignId, content, options, winner = null }: Draft): Variants => new Variants({ campaign_id: campaignId, content: content ?? {}, options }, winner);

/** The variant for the customer; the first if there is no customer. */
export const variantFor = (draft: Draft, { customer_no }: CustomerProfile): string | null =>
  draft.variant ?? (customer_no === NO_CUSTOMER ? (draft.options.variants?.[0]?.id ?? null) : variantsOf(draft).of(customer_no));

function shown(message: Message): Shown {
  if ('html' in message) return { subject: message.subject, html: message.html.template.fill(message.html.values), text: message.text, url: null };
  if ('text' in message) return { subject: null, html: null, text: message.text, url: null };
  return { subject: message.title, html: null, text: message.body, url: message.url };
}

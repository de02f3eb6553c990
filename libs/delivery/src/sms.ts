import type { CustomerProfile } from '#customers';
import { contentFor, type Content, type ContentLocale } from './content.js';
import { type DeliveryKey, encodeDeliveryId } from './delivery-id.js';
import { customerScope } from './customer-scope.js';
import { ctaLink, leadsHome, linkNumbers } from './links.js';
import type { Addressee, SmsMessage } from './message.js';
import type { Utm } from './options.js';
import { compile, type CompiledTemplate, render, RENDER_MS, type Scope } from './template.js';
import type { MessageLinks } from './tracking-token.js';
import { URL_IN_TEXT } from './url-in-text.js';
import { withUtm } from './utm.js';

/** How to get no more of them, as carriers demand of marketing (CTIA Messaging Principles §5.1.4). */
const OPT_OUT = 'Reply STOP to opt out.';

/** A mailing's text message, its templates parsed once for all its recipients. */
export class SmsTemplate {
  private readonly body: CompiledTemplate;
  private readonly ctaText: CompiledTemplate;
  private readonly cta: number | null;
  private readonly links: ReadonlyMap<string, number>;
  private readonly leadsHome: (url: string) => boolean;

  constructor(
    content: Content,
    locale: ContentLocale,
    private readonly mailing: { type: string; promo_code: string | null; utm: Utm | null },
    private readonly tokens: MessageLinks,
  ) {
    const { body, cta_text } = contentFor('sms', content, locale);
    this.body = compile(body ?? '');
    this.ctaText = compile(cta_text ?? '');
    this.links = linkNumbers(content);
    this.cta = ctaLink('sms', content, locale, this.links);
    this.leadsHome = leadsHome(this.links.keys());
  }

  /** @throws LiquidError when a template fails for this recipient */
  compose(key: DeliveryKey, { address, hash, promoCode }: Addressee, profile: CustomerProfile, from: string): SmsMessage {
    const scope: Scope = { customer: customerScope(profile), promo_code: promoCode ?? this.mailing.promo_code, unsubscribe_url: this.tokens.unsubscribeUrl(key, hash) };
    const until = performance.now() + RENDER_MS;
    const tracked = (url: string): string => {
      const linkNo = this.links.get(url);
      if (linkNo === undefined) return url !== scope.unsubscribe_url && this.leadsHome(url) ? withUtm(url, this.mailing.utm) : url;
      return this.tokens.url('c', key, linkNo);
    };
    const body = render(this.body, scope, until).trim().replace(URL_IN_TEXT, tracked);
    const cta = this.cta === null ? '' : [render(this.ctaText, scope, until).trim(), this.tokens.url('c', key, this.cta)].filter(Boolean).join(': ');
    const optOut = this.mailing.type === 'transactional' ? '' : OPT_OUT;
    return { deliveryId: encodeDeliveryId(key), from, to: address, text: [body, cta, optOut].filter(Boolean).join('\n') };
  }
}

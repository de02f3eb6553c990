import type { CustomerProfile } from '#customers';
import { contentFor, type Content, type ContentLocale } from './content.js';
import { customerScope } from './customer-scope.js';
import { type DeliveryKey, encodeDeliveryId } from './delivery-id.js';
import { ctaLink, linkNumbers } from './links.js';
import { type Addressee, oneLine, type PushMessage } from './message.js';
import { compile, type CompiledTemplate, render, RENDER_MS, type Scope } from './template.js';
import type { MessageLinks } from './tracking-token.js';

/** A mailing's push message, its templates parsed once for all its recipients. The subject is its title; where a click leads is the call to action. */
export class PushTemplate {
  private readonly title: CompiledTemplate;
  private readonly body: CompiledTemplate;
  private readonly cta: number | null;

  constructor(
    content: Content,
    locale: ContentLocale,
    private readonly promoCode: string | null,
    private readonly tokens: MessageLinks,
  ) {
    const { subject, body } = contentFor('push', content, locale);
    this.title = compile(subject ?? '');
    this.body = compile(body ?? '');
    this.cta = ctaLink('push', content, locale, linkNumbers(content));
  }

  /** @throws LiquidError when a template fails for this recipient */
  compose(key: DeliveryKey, { address, hash, promoCode }: Addressee, profile: CustomerProfile): PushMessage {
    const scope: Scope = { customer: customerScope(profile), promo_code: promoCode ?? this.promoCode, unsubscribe_url: this.tokens.unsubscribeUrl(key, hash) };
    const until = performance.now() + RENDER_MS;
    return {
      deliveryId: encodeDeliveryId(key),
      to: address,
      subscription: profile.push_subscription ?? {},
      title: oneLine(render(this.title, scope, until)),
      body: render(this.body, scope, until).trim(),
      url: this.cta === null ? null : this.tokens.url('c', key, this.cta),
    };
  }
}

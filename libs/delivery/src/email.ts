import type { CustomerProfile } from '#customers';
import { contentFor, type Content } from './content.js';
import { customerScope } from './customer-scope.js';
import { type DeliveryKey, encodeDeliveryId } from './delivery-id.js';
import { EMAIL_HTML, type EmailLayout, emailText, emailValues } from './email-layout.js';
import { ctaLink, linkNumbers, URL_IN_TEXT } from './links.js';
import { type Addressee, type EmailMessage, type EmailSender, oneLine } from './message.js';
import { compile, type CompiledTemplate, render, RENDER_MS, type Scope } from './template.js';
import type { TrackingTokens } from './tracking-token.js';

/** A mailing's email, its templates parsed once for all its recipients. */
export class EmailTemplate {
  private readonly subject: CompiledTemplate;
  private readonly body: CompiledTemplate;
  private readonly ctaText: CompiledTemplate;
  private readonly cta: number | null;
  private readonly links: ReadonlyMap<string, number>;

  constructor(
    content: Content,
    private readonly promoCode: string | null,
    private readonly tokens: TrackingTokens,
  ) {
    const { subject, body, cta_text } = contentFor('email', content);
    this.subject = compile(subject ?? '');
    this.body = compile(body ?? '');
    this.ctaText = compile(cta_text ?? '');
    this.links = linkNumbers(content);
    this.cta = ctaLink('email', content, this.links);
  }

  /** @throws LiquidError when a template fails for this recipient */
  compose(key: DeliveryKey, { address, hash }: Addressee, profile: CustomerProfile, sender: EmailSender): EmailMessage {
    const unsubscribeUrl = this.tokens.unsubscribeUrl(key, hash);
    const scope: Scope = { customer: customerScope(profile), promo_code: this.promoCode, unsubscribe_url: unsubscribeUrl };
    const until = performance.now() + RENDER_MS;
    const subject = oneLine(render(this.subject, scope, until));
    const layout: EmailLayout = {
      language: profile.locale ?? 'en',
      subject,
      brand: sender.name ?? '',
      body: render(this.body, scope, until),
      button: this.cta === null ? null : { text: oneLine(render(this.ctaText, scope, until)) || 'Open', url: this.tokens.url('c', key, this.cta) },
      postalAddress: sender.postalAddress,
      unsubscribeUrl,
      pixelUrl: this.tokens.url('o', key),
      link: (url) => {
        const linkNo = this.links.get(url);
        return linkNo === undefined ? url : this.tokens.url('c', key, linkNo);
      },
    };
    return {
      deliveryId: encodeDeliveryId(key),
      from: { ...sender, name: sender.name === null ? null : oneLine(sender.name) },
      to: address,
      subject,
      html: { template: EMAIL_HTML, values: emailValues(layout, URL_IN_TEXT) },
      text: emailText(layout, URL_IN_TEXT),
      unsubscribeUrl,
    };
  }
}

import type { CustomerProfile } from '#customers';
import { contentFor, type Content, type ContentLocale } from './content.js';
import { customerScope } from './customer-scope.js';
import { type DeliveryKey, encodeDeliveryId } from './delivery-id.js';
import { emailHtml, type EmailLayout, emailText, MAX_EMAIL_BYTES } from './email-layout.js';
import { ctaLink, leadsHome, linkNumbers } from './links.js';
import { type Addressee, type EmailMessage, type EmailSender, oneLine, TooLarge } from './message.js';
import type { Utm } from './options.js';
import { HONEYPOT } from './scanner.js';
import { compile, type CompiledTemplate, render, RENDER_MS, type Scope } from './template.js';
import type { MessageLinks } from './tracking-token.js';
import { withUtm } from './utm.js';
import { wordsIn } from './words.js';

/** A mailing's email in one language, its templates parsed once for all its recipients. */
export class EmailTemplate {
  private readonly subject: CompiledTemplate;
  private readonly preheader: CompiledTemplate;
  private readonly body: CompiledTemplate;
  private readonly ctaText: CompiledTemplate;
  private readonly cta: number | null;
  private readonly links: ReadonlyMap<string, number>;
  private readonly leadsHome: (url: string) => boolean;
  /** Whether the content has versions by language: then the default version counts as English, not as the recipient's language. */
  private readonly localised: boolean;

  constructor(
    content: Content,
    private readonly locale: ContentLocale,
    private readonly mailing: { promo_code: string | null; utm: Utm | null },
    private readonly tokens: MessageLinks,
  ) {
    const { subject, preheader, body, cta_text } = contentFor('email', content, locale);
    this.subject = compile(subject ?? '');
    this.preheader = compile(preheader ?? '');
    this.body = compile(body ?? '');
    this.ctaText = compile(cta_text ?? '');
    this.links = linkNumbers(content);
    this.leadsHome = leadsHome(this.links.keys());
    this.localised = Object.keys(content.locales ?? {}).length > 0;
    this.cta = ctaLink('email', content, locale, this.links);
  }

  /** @throws LiquidError when a template fails for this recipient, TooLarge when the HTML is larger than mail programs show */
  compose(key: DeliveryKey, { address, hash, promoCode }: Addressee, profile: CustomerProfile, sender: EmailSender): EmailMessage {
    const unsubscribeUrl = this.tokens.unsubscribeUrl(key, hash);
    const scope: Scope = { customer: customerScope(profile), promo_code: promoCode ?? this.mailing.promo_code, unsubscribe_url: unsubscribeUrl };
    const until = performance.now() + RENDER_MS;
    const subject = oneLine(render(this.subject, scope, until));
    const language = this.locale ?? (this.localised ? 'en' : (profile.locale ?? 'en'));
    const layout: EmailLayout = {
      language,
      subject,
      preheader: oneLine(render(this.preheader, scope, until)),
      brand: sender.name ?? '',
      body: render(this.body, scope, until),
      button: this.cta === null ? null : { text: oneLine(render(this.ctaText, scope, until)) || wordsIn(language).open, url: this.tokens.url('c', key, this.cta) },
      postalAddress: sender.postalAddress,
      unsubscribeUrl,
      pixelUrl: this.tokens.url('o', key),
      honeypotUrl: this.links.size === 0 ? null : this.tokens.url('c', key, HONEYPOT),
      link: (url) => {
        const linkNo = this.links.get(url);
        if (linkNo === undefined) return url === unsubscribeUrl ? url : this.leadsHome(url) ? withUtm(url, this.mailing.utm) : null;
        return this.tokens.url('c', key, linkNo);
      },
    };
    const html = emailHtml(layout);
    if (html.template.size(html.values) > MAX_EMAIL_BYTES) throw new TooLarge();
    return {
      deliveryId: encodeDeliveryId(key),
      from: { ...sender, name: sender.name === null ? null : oneLine(sender.name) },
      to: address,
      subject,
      html,
      text: emailText(layout),
      unsubscribeUrl,
    };
  }
}

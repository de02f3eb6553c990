import { MARKUP, PARTS } from './email-skeleton.js';
import { URL_IN_TEXT } from './url-in-text.js';
import { type Filled, Slotted } from './slotted.js';
import { directionOf, wordsIn } from './words.js';

/** What an email shows. Texts are plain; only this file turns them into HTML. */
export interface EmailLayout {
  language: string;
  subject: string;
  /** Shown after the subject in inboxes; empty for none. */
  preheader: string;
  /** The sender's name, above the text. */
  brand: string;
  body: string;
  button: { text: string; url: string } | null;
  postalAddress: string;
  unsubscribeUrl: string;
  pixelUrl: string;
  /** A link that no person sees; null if there are no other links for a scanner to follow. */
  honeypotUrl: string | null;
  /** The target of a URL in the body; null if it stays text. */
  link(url: string): string | null;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);

const PARAGRAPH = Slotted.parse(PARTS.paragraph);
const LINK = Slotted.parse(PARTS.link);

/** Most skeletons kept; there is one for each sender, supported language and set of parts. */
const KEPT = 500;
const skeletons = new Map<string, Slotted>();

/** What a sender's messages of one kind share. All of them get the same object, so that whatever is derived from it is computed once. */
function skeletonOf({ language, brand, postalAddress, preheader, button, honeypotUrl }: EmailLayout): Slotted {
  const { unsubscribe } = wordsIn(language);
  const direction = directionOf(language);
  const shared: Record<string, string> = {
    direction,
    start: direction === 'rtl' ? 'right' : 'left',
    unsubscribe: escapeHtml(unsubscribe),
    brand: escapeHtml(brand),
    postal_address: escapeHtml(postalAddress).replaceAll('\n', '<br>'),
  };
  const present: Record<string, boolean> = { preheader: preheader !== '', brand: brand !== '', button: button !== null, honeypot: honeypotUrl !== null };
  const name = JSON.stringify([shared, present]);
  let skeleton = skeletons.get(name);
  if (skeleton === undefined) {
    if (skeletons.size >= KEPT) skeletons.clear();
    const markup = MARKUP.replace(/\{% if (\w+) %\}([\s\S]*?)\{% endif %\}/g, (_, part: string, inner: string) => (present[part] ? inner : ''));
    skeletons.set(name, (skeleton = Slotted.parse(markup).fillSome(shared)));
  }
  return skeleton;
}

/** One recipient's email as HTML. */
export function emailHtml(layout: EmailLayout): Filled {
  const { subject, preheader, button, language, unsubscribeUrl, pixelUrl, honeypotUrl } = layout;
  return {
    template: skeletonOf(layout),
    values: {
      language: escapeHtml(language),
      subject: escapeHtml(subject),
      preheader: escapeHtml(preheader),
      body: paragraphsOf(layout.body).map((text) => PARAGRAPH.fill({ text: inline(text, layout) })).join('\n'),
      button_text: escapeHtml(button?.text ?? ''),
      button_url: escapeHtml(button?.url ?? ''),
      unsubscribe_url: escapeHtml(unsubscribeUrl),
      pixel_url: escapeHtml(pixelUrl),
      honeypot_url: escapeHtml(honeypotUrl ?? ''),
    },
  };
}

/** The same email for clients that show no HTML. */
export function emailText(layout: EmailLayout): string {
  const { body, button, brand, postalAddress, unsubscribeUrl, language } = layout;
  const text = paragraphsOf(body).join('\n\n').replace(URL_IN_TEXT, (url) => layout.link(url) ?? url);
  return [text, button && `${button.text}: ${button.url}`, ['-- ', brand, postalAddress, `${wordsIn(language).unsubscribe}: ${unsubscribeUrl}`].filter(Boolean).join('\n')].filter(Boolean).join('\n\n');
}

/** Gmail cuts a message off after 102 kB of HTML, and the unsubscribe link with it. */
export const MAX_EMAIL_BYTES = 102_000;

/** About how many bytes an email of these texts has at most: with a long address, and links as long as ours. */
export function emailSize({ subject, preheader, body, button }: { subject: string; preheader: string; body: string; button: string }): number {
  const url = 'x'.repeat(150);
  const layout: EmailLayout = { language: 'en', subject, preheader, brand: '', body, button: { text: button, url }, postalAddress: '', unsubscribeUrl: url, pixelUrl: url, honeypotUrl: url, link: () => url };
  const { template, values } = emailHtml(layout);
  return template.size(values) + 1_000;
}

const paragraphsOf = (body: string): string[] => body.replaceAll('\r\n', '\n').trim().split(/\n[ \t]*\n\s*/);

/** Escapes the text and makes its URLs links. */
function inline(text: string, layout: EmailLayout): string {
  let html = '';
  let from = 0;
  for (const { 0: url, index } of text.matchAll(URL_IN_TEXT)) {
    const target = layout.link(url);
    html += escapeHtml(text.slice(from, index)) + (target === null ? escapeHtml(url) : LINK.fill({ url: escapeHtml(target), text: escapeHtml(url) }));
    from = index + url.length;
  }
  return (html + escapeHtml(text.slice(from))).replaceAll('\n', '<br>\n');
}

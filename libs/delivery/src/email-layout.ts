import { Slotted } from './slotted.js';

/** What an email shows. Texts are plain; this file alone makes HTML of them. */
export interface EmailLayout {
  language: string;
  subject: string;
  /** Who writes, above the text. */
  brand: string;
  body: string;
  button: { text: string; url: string } | null;
  postalAddress: string;
  unsubscribeUrl: string;
  pixelUrl: string;
  /** Where a URL of the body really leads to. */
  link(url: string): string;
}

const FONT = `font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);

/** A table with inlined styles, since mail clients know little else: one column, 600 pixels at most, narrower on a phone. The same for everybody, but for its gaps. */
export const EMAIL_HTML = Slotted.of(
  (slot) => `<!doctype html>
<html lang="${slot('language')}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light">
<title>${slot('subject')}</title>
</head>
<body style="margin:0;padding:0;background:#f2f4f7">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f2f4f7">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background:#ffffff;border-radius:8px">
${slot('brand')}
<tr><td style="padding:24px 32px 16px">
<h1 style="margin:0 0 16px;${FONT};font-size:24px;line-height:1.3;color:#102a43">${slot('subject')}</h1>
${slot('body')}
${slot('button')}
</td></tr>
</table>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">
<tr><td style="padding:16px 32px;${FONT};font-size:12px;line-height:1.6;color:#52606d;text-align:center">
${slot('postal_address')}<br>
<a href="${slot('unsubscribe_url')}" style="color:#52606d;text-decoration:underline">Unsubscribe</a>
</td></tr>
</table>
</td></tr>
</table>
<img src="${slot('pixel_url')}" width="1" height="1" alt="" style="display:block;border:0">
</body>
</html>`,
);

/** One recipient's values for {@link EMAIL_HTML}, as HTML. */
export function emailValues(layout: EmailLayout, urlPattern: RegExp): Record<string, string> {
  const { subject, brand, button, language, postalAddress, unsubscribeUrl, pixelUrl } = layout;
  const paragraphs = paragraphsOf(layout.body).map((text) => `<p style="margin:0 0 16px;${FONT};font-size:16px;line-height:1.5;color:#1f2933">${inline(text, layout, urlPattern)}</p>`);
  return {
    language: escapeHtml(language),
    subject: escapeHtml(subject),
    brand: brand === '' ? '' : `<tr><td style="padding:24px 32px 0;${FONT};font-size:14px;font-weight:600;color:#52606d">${escapeHtml(brand)}</td></tr>`,
    body: paragraphs.join('\n'),
    button: button === null ? '' : buttonHtml(button),
    postal_address: escapeHtml(postalAddress).replaceAll('\n', '<br>'),
    unsubscribe_url: escapeHtml(unsubscribeUrl),
    pixel_url: escapeHtml(pixelUrl),
  };
}

/** The same for clients that show no HTML. */
export function emailText(layout: EmailLayout, urlPattern: RegExp): string {
  const { body, button, brand, postalAddress, unsubscribeUrl } = layout;
  const text = paragraphsOf(body).join('\n\n').replace(urlPattern, (url) => layout.link(url));
  return [text, button && `${button.text}: ${button.url}`, ['-- ', brand, postalAddress, `Unsubscribe: ${unsubscribeUrl}`].filter(Boolean).join('\n')].filter(Boolean).join('\n\n');
}

const paragraphsOf = (body: string): string[] => body.replaceAll('\r\n', '\n').trim().split(/\n[ \t]*\n\s*/);

/** Escapes the text and makes its URLs links. */
function inline(text: string, layout: EmailLayout, urlPattern: RegExp): string {
  let html = '';
  let from = 0;
  for (const { 0: url, index } of text.matchAll(urlPattern)) {
    html += escapeHtml(text.slice(from, index)) + `<a href="${escapeHtml(layout.link(url))}" style="color:#0b69a3">${escapeHtml(url)}</a>`;
    from = index + url.length;
  }
  return (html + escapeHtml(text.slice(from))).replaceAll('\n', '<br>\n');
}

const buttonHtml = ({ text, url }: { text: string; url: string }): string =>
  `<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 16px"><tr><td style="border-radius:6px;background:#0b69a3">
<a href="${escapeHtml(url)}" style="display:inline-block;padding:12px 24px;${FONT};font-size:16px;font-weight:600;color:#ffffff;text-decoration:none;border-radius:6px">${escapeHtml(text)}</a>
</td></tr></table>`;

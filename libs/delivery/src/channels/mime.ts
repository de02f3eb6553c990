import { randomBytes } from 'node:crypto';
import { encodeWord, encodeWords, foldLines } from 'nodemailer/lib/mime-funcs';
import { encode, wrap } from 'nodemailer/lib/qp';
import type { EmailMessage } from '../message.js';
import type { Slotted } from '../slotted.js';

/** The parts of a text that messages share, each encoded once. */
const encodedParts = new WeakMap<Slotted, readonly string[]>();

/** Cannot occur in a body: `=_` never stands in quoted-printable text (RFC 2045 §6.7). One for the life of the process. */
const BOUNDARY = `=_${randomBytes(12).toString('hex')}`;

/** A header line has at most 998 characters (RFC 5322 §2.1.1) and is folded at spaces; without spaces, it must be encoded. */
const UNFOLDABLE = /[^ ]{900}/;

/** Removes the metadata header, and returns the metadata with each report on the message (https://mailchimp.com/developer/transactional/docs/smtp-integration/). */
const MANDRILL = 'smtp.mandrillapp.com';

/** The Message-ID (RFC 5322 §3.6.4), with its angle brackets. */
export const messageIdOf = ({ deliveryId, from }: EmailMessage): string => `<${deliveryId}@${from.email.slice(from.email.lastIndexOf('@') + 1)}>`;

/**
 * The whole message, ready for DATA: a plain text and an HTML alternative (RFC 2046 §5.1.4), both quoted-printable. Written by
 * hand, since a composer would encode anew for each recipient what all of them share.
 *
 * @param server its host name; some servers have headers of their own
 */
export function mimeOf(message: EmailMessage, now: Date, server: string): string {
  const { deliveryId, from, to, subject, html, text, unsubscribeUrl } = message;
  const headers = [
    foldLines(`From: ${mailbox(from.name, from.email)}`),
    `To: ${to}`,
    ...(from.replyTo === null ? [] : [`Reply-To: ${from.replyTo}`]),
    foldLines(`Subject: ${UNFOLDABLE.test(subject) ? encodeWord(subject, 'Q', 52) : encodeWords(subject, 'Q', 52)}`),
    `Message-ID: ${messageIdOf(message)}`,
    ...(server === MANDRILL ? [`X-MC-Metadata: {"delivery_id":"${deliveryId}"}`] : []),
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `List-Unsubscribe: <${unsubscribeUrl}>`,
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${BOUNDARY}"`,
  ];
  const part = (type: string, body: string): string => `--${BOUNDARY}\r\nContent-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}\r\n`;
  return `${headers.join('\r\n')}\r\n\r\n${part('text/plain', quoted(text))}${part('text/html', filled(html.template, html.values))}--${BOUNDARY}--\r\n`;
}

function mailbox(name: string | null, address: string): string {
  if (name === null || name === '') return address;
  const phrase = /^[ -~]*$/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodeWords(name, 'Q', 52, true);
  return `${phrase} <${address}>`;
}

const quoted = (text: string): string => wrap(encode(text.replace(/\r\n?|\n/g, '\r\n')), 75);

/** Encodes piece by piece; soft line breaks between the pieces let each be wrapped on its own. */
function filled(template: Slotted, values: Readonly<Record<string, string>>): string {
  let parts = encodedParts.get(template);
  if (parts === undefined) encodedParts.set(template, (parts = template.parts.map(quoted)));
  let body = parts[0]!;
  for (const [at, slot] of template.slots.entries()) body += `=\r\n${quoted(values[slot]!)}=\r\n${parts[at + 1]!}`;
  return body;
}

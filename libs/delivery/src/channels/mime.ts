import { randomBytes } from 'node:crypto';
import { encodeWord, encodeWords, foldLines } from 'nodemailer/lib/mime-funcs';
import { encode, wrap } from 'nodemailer/lib/qp';
import type { EmailMessage } from '../message.js';
import type { Slotted } from '../slotted.js';

/** The parts of a text that messages share, encoded once. */
const encodedParts = new WeakMap<Slotted, readonly string[]>();

/** Where no body can have it: `=_` never stands in quoted-printable text (RFC 2045 §6.7). One for the life of the process. */
const BOUNDARY = `=_${randomBytes(12).toString('hex')}`;

/** A header's line has 998 characters at most (RFC 5322 §2.1.1) and is folded at spaces: without any, it must be encoded. */
const UNFOLDABLE = /[^ ]{900}/;

/** Takes the metadata off, and tells it with what became of the message (https://mailchimp.com/developer/transactional/docs/smtp-integration/). */
const MANDRILL = 'smtp.mandrillapp.com';

/** The message's own name (RFC 5322 §3.6.4), with its angle brackets. */
export const messageIdOf = ({ deliveryId, from }: EmailMessage): string => `<${deliveryId}@${from.email.slice(from.email.lastIndexOf('@') + 1)}>`;

/**
 * The whole message, ready for DATA: a plain text and an HTML alternative (RFC 2046 §5.1.4), both quoted-printable. Written by
 * hand, since a composer encodes anew for each recipient what all of them share.
 *
 * @param server its host name: some have headers of their own
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

/** Piece by piece; a soft line break after each lets every piece keep to its own lines. */
function filled(template: Slotted, values: Readonly<Record<string, string>>): string {
  let parts = encodedParts.get(template);
  if (parts === undefined) encodedParts.set(template, (parts = template.parts.map(quoted)));
  let body = parts[0]!;
  for (const [at, slot] of template.slots.entries()) body += `=\r\n${quoted(values[slot]!)}=\r\n${parts[at + 1]!}`;
  return body;
}

import { simpleParser } from 'mailparser';
import type { CaughtMail } from './mailbox.js';

export interface MailSummary {
  id: string;
  time: Date;
  /** The From header as text, e.g. `Trattoria <hello@example.com>`. */
  from: string;
  /** The envelope's recipients. */
  to: string[];
  subject: string;
  /** Bytes of the message. */
  size: number;
}

/** One page of the inbox, newest first. */
export interface Listing {
  /** Mails that match; `received` counts all since the start, dropped ones included. */
  total: number;
  received: number;
  offset: number;
  limit: number;
  data: MailSummary[];
}

export interface MailContent extends MailSummary {
  /** As sent, unfolded, by lower-cased name; the first of repeated ones. */
  headers: Record<string, string>;
  text: string | null;
  /** Inline images are put into it as data: URLs. */
  html: string | null;
  attachments: { filename: string; content_type: string; size: number }[];
}

/** Parses only the header of the message, since a list shows many. */
export async function summarise(mail: CaughtMail): Promise<MailSummary> {
  const end = mail.raw.indexOf('\r\n\r\n');
  const { subject, from } = await simpleParser(end < 0 ? mail.raw : mail.raw.subarray(0, end + 4));
  return {
    id: mail.id,
    time: mail.time,
    from: from?.text || mail.from,
    to: mail.to,
    subject: subject || '(no subject)',
    size: mail.raw.length,
  };
}

export async function read(mail: CaughtMail): Promise<MailContent> {
  // Text and HTML as they are in the message: neither is derived from the other.
  const parsed = await simpleParser(mail.raw, { skipHtmlToText: true, skipTextToHtml: true });
  const headers: Record<string, string> = {};
  for (const { key, line } of parsed.headerLines) {
    headers[key] ??= line.slice(line.indexOf(':') + 1).replace(/\r?\n/g, '').trim();
  }
  return {
    ...(await summarise(mail)),
    headers,
    text: parsed.text || null,
    html: parsed.html || null,
    attachments: parsed.attachments.map(({ filename, contentType, size }) => ({
      filename: filename ?? '(unnamed)',
      content_type: contentType,
      size,
    })),
  };
}

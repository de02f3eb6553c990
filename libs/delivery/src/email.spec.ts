import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import type { Env, Secrets } from '#config';
import type { CustomerProfile } from '#customers';
import { mimeOf } from './channels/mime.js';
import { EmailTemplate } from './email.js';
import { TrackingTokens } from './tracking-token.js';

const tokens = new TrackingTokens({ key: () => Buffer.alloc(32, 7) } as unknown as Secrets, { PUBLIC_URL: 'https://t.example' } as Env);
const KEY = { tenantId: 1, campaignNo: 2, customerNo: 3, channel: 'email' } as const;
const TO = { address: 'ada@example.com', hash: Buffer.alloc(32) };
const SENDER = { email: 'hello@trattoria.example', name: 'Trattoria', replyTo: null, postalAddress: '1 Main Street' };

const template = new EmailTemplate(
  { subject: 'For {{ customer.first_name }}', preheader: '{{ customer.first_name }}', body: 'Hello {{ customer.first_name }}', cta_text: '{{ customer.first_name }}', cta_url: 'https://x.example' },
  null, { promo_code: null, utm: null }, tokens,
);

/** What people are called, and what is tried: line ends of every kind, headers, boundaries, tags, what looks like a gap. */
const name = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('\r\n', '\n', '\r', '\r\n\r\n', '\u2028', '\u0085', '\0', 'Bcc: evil@example.com', '\r\n.\r\n', '--', '=_', '=?utf-8?Q?=0D=0A?=', '<script>', '{{ body }}', '{% if x %}', '"', '$&', '\uE000body\uE001')), { maxLength: 12 })
  .map((pieces) => pieces.join('').toWellFormed());

test('whatever a customer or a sender is called makes no header, no tag and no second message', async () => {
  await fc.assert(
    fc.asyncProperty(name, name, async (first_name, senderName) => {
      const message = template.compose(KEY, TO, { first_name, locale: null } as CustomerProfile, { ...SENDER, name: senderName });
      const raw = mimeOf(message, new Date(0), 'localhost');
      const [head] = raw.split('\r\n\r\n', 1);
      expect(head).toMatch(/^[ -~]+(\r\n[ -~\t]+)*$/);
      expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      const mail = await simpleParser(raw);
      expect(mail.headerLines.map(({ key }) => key)).toEqual(['from', 'to', 'subject', 'message-id', 'date', 'list-unsubscribe', 'list-unsubscribe-post', 'mime-version', 'content-type']);
      expect(mail.attachments).toEqual([]);
      expect(mail.html).not.toMatch(/<script|undefined/);
      expect([...String(mail.html).matchAll(/<a /g)]).toHaveLength(3); // the button, the honeypot, and the way out
    }),
    { numRuns: 200 },
  );
});

test('a message that mail programs would cut off is not written', () => {
  const large = new EmailTemplate({ subject: 'Hello', body: '{{ customer.attributes.text }}' }, null, { promo_code: null, utm: null }, tokens);
  const write = (length: number) => large.compose(KEY, TO, { attributes: { text: 'x'.repeat(length) }, locale: null } as unknown as CustomerProfile, SENDER);
  expect(() => write(90_000)).not.toThrow();
  expect(() => write(102_000)).toThrow();
});

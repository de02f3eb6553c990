import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import type { EmailMessage } from '../message.js';
import { Slotted } from '../slotted.js';
import { mimeOf } from './mime.js';

const template = Slotted.of((slot) => `<!doctype html>\n<html lang="${slot('language')}">\n<body>${slot('body')} \n<p>Zürich — 1 = 1</p>\t${slot('body')}</body></html>`);
const NOW = new Date('2026-11-23T10:20:30Z');

/** What people and templates write, with all that breaks naive encoders: long lines, dots, trailing blanks, `=`, emoji. */
const anyText = fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constantFrom('.', '..', ' ', '\n', '\r\n', '\n.\n', '=', '=3D', '\t\n', '--', 'x'.repeat(500), '👩‍🍳'.repeat(40))), { maxLength: 12 })
  .map((pieces) => pieces.join('').replaceAll('\r', '').replace(/\p{Cc}/gu, (char) => (char === '\n' || char === '\t' ? char : '')));
const anyLine = anyText.map((text) => text.replace(/[\n\t\u2028\u2029 ]+/g, ' ').trim());

const message = (own: Partial<EmailMessage>, body: string): EmailMessage => ({
  deliveryId: 'dlv_1', from: { email: 'hello@trattoria.example', name: null, replyTo: null, postalAddress: '' }, to: 'ada@example.com', subject: 'Hello', text: 'Hello',
  html: { template, values: { language: 'de', body } }, unsubscribeUrl: 'https://trattoria.example/t/u/abc', ...own,
});

test('says what was written, in lines that every server takes', async () => {
  await fc.assert(
    fc.asyncProperty(anyText, anyText, anyLine, anyLine.map((line) => line.slice(0, 200).trim().toWellFormed()), async (body, text, subject, name) => {
      const raw = mimeOf(message({ subject, text, from: { email: 'hello@trattoria.example', name, replyTo: 'chef@trattoria.example', postalAddress: '' } }, body), NOW, 'localhost');
      expect(raw).toMatch(/^[\t\r\n -~]*$/);
      for (const line of raw.split('\r\n')) {
        expect(line).not.toContain('\n');
        expect(line.length).toBeLessThanOrEqual(998);
      }
      for (const line of raw.slice(raw.indexOf('\r\n\r\n')).split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
      const mail = await simpleParser(raw);
      expect(mail.html).toBe(template.fill({ language: 'de', body }));
      expect(mail.text?.replace(/\n$/, '')).toBe(text.replace(/\n$/, '')); // the parser adds one to an empty text
      expect(mail.subject ?? '').toBe(subject);
      expect(mail.from?.value[0]).toMatchObject({ address: 'hello@trattoria.example', name });
    }),
    { numRuns: 100, examples: [['', '', 'x'.repeat(1_000), '']] },
  );
});

test('no header is made of what a template or a customer says', async () => {
  const mail = await simpleParser(mimeOf(message({ subject: 'Hi Bcc: evil@example.com' }, 'x'), NOW, 'smtp.mandrillapp.com'));
  expect([...mail.headers.keys()]).toEqual(['from', 'to', 'subject', 'message-id', 'x-mc-metadata', 'date', 'list', 'mime-version', 'content-type']);
});

import { type Content, contentFor, contentsSent, localesOf, type MailingOptions } from '#delivery';
import type { Fault } from '#kernel';
import type { Channel } from '#tenants';

/** What the campaign still lacks before it can be scheduled or started: a body for every channel, a subject for email, in every language. */
export const missingContent = (content: Content | null, channels: readonly Channel[], { variants }: MailingOptions): Fault[] =>
  contentsSent(content, variants).flatMap((sent) => missingIn(sent.content, channels, sent.pointer));

function missingIn(content: Content, channels: readonly Channel[], at: string): Fault[] {
  const missing = new Set<string>();
  for (const locale of localesOf(content)) {
    /** What is missing without a language is reported once, not for each language. */
    const miss = (member: string): void => void (missing.has(member) || missing.add(locale === null ? member : `locales/${locale}/${member}`));
    for (const channel of channels) {
      const { subject, body } = contentFor(channel, content, locale);
      if (!body?.trim()) miss('body');
      if (channel === 'email' && !subject?.trim()) miss('subject');
    }
  }
  return [...missing].map((member) => ({ pointer: `${at}/${member}`, code: 'required', detail: `${`${at}/${member}`.slice(1).replaceAll('/', '.')} is needed before the campaign can be scheduled or started.` }));
}

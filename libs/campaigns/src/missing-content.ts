import { type Content, contentFor, localesOf } from '#delivery';
import type { Fault } from '#kernel';
import type { Channel } from '#tenants';

/** What must be there before the campaign can be scheduled or started, and is not: a body for every channel, a subject for email, in every language. */
export function missingContent(content: Content | null, channels: readonly Channel[]): Fault[] {
  const missing = new Set<string>();
  for (const locale of localesOf(content ?? {})) {
    /** What is missing for everybody is told once. */
    const miss = (member: string): void => void (missing.has(member) || missing.add(locale === null ? member : `locales/${locale}/${member}`));
    for (const channel of channels) {
      const { subject, body } = contentFor(channel, content ?? {}, locale);
      if (!body?.trim()) miss('body');
      if (channel === 'email' && !subject?.trim()) miss('subject');
    }
  }
  return [...missing].map((member) => ({ pointer: `/content/${member}`, code: 'required', detail: `content.${member.replaceAll('/', '.')} is needed before the campaign can be scheduled or started.` }));
}

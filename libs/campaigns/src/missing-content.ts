import { type Content, contentFor } from '#delivery';
import type { Fault } from '#kernel';
import type { Channel } from '#tenants';

/** What must be there before the campaign can be scheduled or started, and is not: a body for every channel, a subject for email. */
export function missingContent(content: Content | null, channels: readonly Channel[]): Fault[] {
  const missing = new Set<'subject' | 'body'>();
  for (const channel of channels) {
    const { subject, body } = contentFor(channel, content ?? {});
    if (!body?.trim()) missing.add('body');
    if (channel === 'email' && !subject?.trim()) missing.add('subject');
  }
  return [...missing].map((member) => ({ pointer: `/content/${member}`, code: 'required', detail: `content.${member} is needed before the campaign can be scheduled or started.` }));
}

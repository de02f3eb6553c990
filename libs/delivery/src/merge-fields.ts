import type { Channel } from '#tenants';
import { type Content, contentFor } from './content.js';

/** A place in a message that shows something of the customer. */
export interface MergeField {
  /** As the template says it: `customer.first_name`, `promo_code`. */
  name: string;
  path: readonly string[];
}

/** What is printed, with its filters; not what conditions ask for: those have thought of its absence. */
const PRINTED = /\{\{-?\s*((?:customer\.[\w.-]+)|promo_code)\s*(\|[^}]*)?-?\}\}/g;
const HAS_DEFAULT = /\|\s*default\s*:/;

/** The fields that the channel's message prints, in any of its variants, and has no `default` for. */
export function mergeFields(channel: Channel, ...contents: Content[]): MergeField[] {
  const texts = contents.flatMap((content) => {
    const { subject, body, cta_text, cta_url } = contentFor(channel, content);
    return channel === 'sms' ? [body, cta_text, cta_url] : channel === 'push' ? [subject, body, cta_url] : [subject, body, cta_text, cta_url];
  });
  const names = texts.flatMap((text) => [...(text ?? '').matchAll(PRINTED)].filter(([, , filters]) => !HAS_DEFAULT.test(filters ?? '')).map(([, name]) => name!));
  return [...new Set(names)].map((name) => ({ name, path: name.split('.').slice(1) }));
}

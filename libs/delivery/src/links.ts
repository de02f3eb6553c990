import { contentFor, type Content } from './content.js';

/** A URL written out in a body; it ends before a template's delimiter, or punctuation that belongs to the sentence. */
export const URL_IN_TEXT = /https?:\/\/[^\s<>"'{}|\\^`]+[^\s<>"'{}|\\^`.,;:!?)\]]/gi;

/** The call to action's place among the links of a mailing. */
export const CTA_LINK = 0;

/** The links of an email that are counted, by their number: the call to action first (empty without one), then those of the body. */
export function linksOf(content: Content): string[] {
  const { body, cta_url } = contentFor('email', content);
  const inBody = new Set([...(body ?? '').matchAll(URL_IN_TEXT)].map(([url]) => url));
  return [cta_url ?? '', ...inBody];
}

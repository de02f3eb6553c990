import { type Channel, CHANNELS } from '#tenants';
import { contentFor, type Content } from './content.js';

/** A URL written out in a body; it ends before a template's delimiter, or punctuation that belongs to the sentence. */
export const URL_IN_TEXT = /https?:\/\/[^\s<>"'{}|\\^`]+[^\s<>"'{}|\\^`.,;:!?)\]]/gi;

/** The links of a mailing that are counted, each once, whatever the channels that show it: of each channel the call to action first, then those of its body. */
export function linksOf(content: Content): string[] {
  const urls = CHANNELS.flatMap((channel) => {
    const { body, cta_url } = contentFor(channel, content);
    return [...(cta_url ? [cta_url] : []), ...[...(body ?? '').matchAll(URL_IN_TEXT)].map(([url]) => url)];
  });
  return [...new Set(urls)];
}

/** Their numbers, by URL. */
export const linkNumbers = (content: Content): ReadonlyMap<string, number> => new Map(linksOf(content).map((url, linkNo) => [url, linkNo]));

/** The number of a channel's call to action; null when it has none. */
export function ctaLink(channel: Channel, content: Content, numbers: ReadonlyMap<string, number>): number | null {
  const { cta_url } = contentFor(channel, content);
  return cta_url ? numbers.get(cta_url)! : null;
}

import { type Channel, CHANNELS } from '#tenants';
import { contentFor, type Content, type ContentLocale, localesOf } from './content.js';
import { URL_IN_TEXT } from './url-in-text.js';

/** The links of a mailing that are counted, each once, whichever channels and languages show it: for each channel the call to action first, then the links of its body. */
export function linksOf(content: Content): string[] {
  const urls = localesOf(content).flatMap((locale) =>
    CHANNELS.flatMap((channel) => {
      const { body, cta_url } = contentFor(channel, content, locale);
      return [...(cta_url ? [cta_url] : []), ...[...(body ?? '').matchAll(URL_IN_TEXT)].map(([url]) => url)];
    }),
  );
  return [...new Set(urls)];
}

/** The links' numbers, by URL. */
export const linkNumbers = (content: Content): ReadonlyMap<string, number> => new Map((content.links ?? linksOf(content)).map((url, linkNo) => [url, linkNo]));

/** The number of a channel's call to action; null when it has none. */
export function ctaLink(channel: Channel, content: Content, locale: ContentLocale, numbers: ReadonlyMap<string, number>): number | null {
  const { cta_url } = contentFor(channel, content, locale);
  return cta_url ? numbers.get(cta_url)! : null;
}

/** Whether a URL in a message has the origin of one of the sender's links. A URL from a recipient's data may not, and stays text. */
export function leadsHome(links: Iterable<string>): (url: string) => boolean {
  const origins = new Set([...links].map(originOf));
  origins.delete(null);
  return (url) => origins.has(originOf(url));
}

const originOf = (url: string): string | null => (URL.canParse(url) ? new URL(url).origin : null);

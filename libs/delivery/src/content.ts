import type { Fault } from '#kernel';
import { type Channel, CHANNELS } from '#tenants';
import { emailSize, MAX_EMAIL_BYTES } from './email-layout.js';
import { RENDER_MS, templateFault, triedOut } from './template.js';
import { URL_IN_TEXT } from './url-in-text.js';

/** The content of one channel. `subject`, `preheader`, `body` and `cta_text` are Liquid; so is `cta_url` after its host. */
export interface ChannelContent {
  subject?: string;
  /** For email only. */
  preheader?: string;
  body?: string;
  cta_text?: string;
  cta_url?: string;
}

/** The content in one language: for all channels, with overrides for each. */
export interface LocalContent extends ChannelContent {
  email?: ChannelContent;
  sms?: ChannelContent;
  push?: ChannelContent;
}

/** A campaign's content. A language overrides it, member by member. */
export interface Content extends LocalContent {
  /** By BCP 47 tag. */
  locales?: Readonly<Record<string, LocalContent>>;
  /** In a variant: the links of all variants in the order of their numbers, so that a link has the same number in each of them. */
  links?: readonly string[];
}

/** A language that the content has, by its tag there; null is the content for everybody else. */
export type ContentLocale = string | null;

const TEMPLATES = ['subject', 'preheader', 'body', 'cta_text', 'cta_url'] as const;

/** Parsing a tag takes some 50 µs of the only thread. */
const MOST_TAGS = 2_000;

/** http(s), and a host that no variable can extend: what is stored decides where a link leads, never a recipient's data. */
const SAFE_URL = /^https?:\/\/[^\s{}\\/?#@]+([/?#]\P{Cc}*)?$/iu;

/** The languages of the content, in an order that survives storing it as jsonb. */
export const localesOf = ({ locales }: Content): ContentLocale[] => [null, ...Object.keys(locales ?? {}).sort()];

/** The language for a recipient: theirs, then without one subtag after the other (RFC 4647 §3.4), then none. */
export function localeFor(content: Content, recipient: string | null): ContentLocale {
  if (content.locales === undefined || recipient === null) return null;
  const tags = new Map(Object.keys(content.locales).map((tag) => [tag.toLowerCase(), tag]));
  for (let wanted = recipient.toLowerCase().replaceAll('_', '-'); wanted !== ''; wanted = wanted.slice(0, Math.max(0, wanted.lastIndexOf('-')))) {
    const found = tags.get(wanted);
    if (found !== undefined) return found;
  }
  return null;
}

/** The parts that make up a channel's content, each overriding those before it, with its pointer from `/content` on. */
function sourcesOf(channel: Channel, content: Content, locale: ContentLocale): { path: string; part: ChannelContent }[] {
  const local = locale === null ? undefined : content.locales?.[locale];
  const at = `/content/locales/${locale}`;
  const sources: [string, ChannelContent | null | undefined][] = [['/content', content], [`/content/${channel}`, content[channel]], [at, local], [`${at}/${channel}`, local?.[channel]]];
  return sources.flatMap(([path, part]) => (part === undefined || part === null ? [] : [{ path, part }]));
}

/** The content as the channel sends it, in the language. */
export function contentFor(channel: Channel, content: Content, locale: ContentLocale = null): ChannelContent {
  const said: ChannelContent = {};
  for (const { part } of sourcesOf(channel, content, locale)) {
    for (const name of TEMPLATES) if (typeof part[name] === 'string') said[name] = part[name];
  }
  return said;
}

/**
 * A fault for every template that does not parse or takes too long, with line and column, for every link that is no http(s) URL, and for emails
 * that are too large. Pointers start at the body's `/content`.
 *
 * @param until when to stop trying out templates, on the clock of `performance.now()`
 */
export function validateContent(content: Content, channels: readonly Channel[] = CHANNELS, until = performance.now() + RENDER_MS): Fault[] {
  const parts = new Map(localesOf(content).flatMap((locale) => CHANNELS.flatMap((channel) => sourcesOf(channel, content, locale).map(({ path, part }) => [path, part]))));
  const crowded = crowdedFault(parts);
  if (crowded !== null) return [crowded];
  const faults = [...parts].flatMap(([path, part]) => channelFaults(path, part, until));
  return faults.length > 0 || !channels.includes('email') ? faults : localesOf(content).flatMap((locale) => sizeFault(content, locale, until + RENDER_MS / 2));
}

/** Where there are more tags than may be. They are counted before any is parsed, since that takes time which no limit of Liquid's bounds. */
function crowdedFault(parts: ReadonlyMap<string, ChannelContent>): Fault | null {
  let tags = 0;
  for (const [path, part] of parts) {
    for (const name of TEMPLATES) {
      tags += part[name]?.match(/\{[{%]/g)?.length ?? 0;
      if (tags > MOST_TAGS) return { pointer: `${path}/${name}`, code: 'too_many_tags', detail: `The content may have ${MOST_TAGS} Liquid tags, in all channels and languages together.` };
    }
  }
  return null;
}

function channelFaults(path: string, content: ChannelContent, until: number): Fault[] {
  const faults = TEMPLATES.flatMap((name) => {
    const fault = templateFault(content[name] ?? '', until);
    return fault === null ? [] : [{ pointer: `${path}/${name}`, ...fault }];
  });
  if (typeof content.cta_url === 'string' && !isSafeUrl(content.cta_url)) {
    faults.push({ pointer: `${path}/cta_url`, code: 'invalid_url', detail: 'cta_url must be an http or https URL with a fixed host.' });
  }
  if ([...(content.body ?? '').matchAll(URL_IN_TEXT)].some(([url]) => !isSafeUrl(url))) {
    faults.push({ pointer: `${path}/body`, code: 'invalid_url', detail: 'Links in the body must be http or https URLs, with a host and without a user name.' });
  }
  return faults;
}

/** An email that is too large even when nothing is known of the customer. */
function sizeFault(content: Content, locale: ContentLocale, until: number): Fault[] {
  const { subject = '', preheader = '', body = '', cta_text = '' } = contentFor('email', content, locale);
  if (body.length < 1_000 && !body.includes('{%')) return []; // however much of it becomes links
  const size = emailSize({ subject: triedOut(subject, until), preheader: triedOut(preheader, until), body: triedOut(body, until), button: triedOut(cta_text, until) });
  if (size <= MAX_EMAIL_BYTES) return [];
  const { path } = sourcesOf('email', content, locale).findLast(({ part }) => typeof part.body === 'string')!;
  return [{ pointer: `${path}/body`, code: 'email_too_large', detail: `The email has about ${size} bytes of HTML; mail programs cut off what goes beyond ${MAX_EMAIL_BYTES}.` }];
}

export const isSafeUrl = (url: string): boolean => SAFE_URL.test(url) && URL.canParse(url.replace(/\{[{%][^]*$/, ''));

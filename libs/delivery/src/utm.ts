import { parse } from 'node:querystring';
import type { Channel } from '#tenants';
import type { MailingOptions, Utm } from './options.js';

const NAMES = ['source', 'medium', 'campaign', 'term', 'content'] as const;

/** What a mailing's links carry over a channel; null when they carry nothing. Its campaign and its medium are named where the tenant names none. */
export function utmOf({ campaign_id, options: { utm } }: { campaign_id: string; options: MailingOptions }, channel: Channel): Utm | null {
  return utm === undefined ? null : { medium: channel, campaign: campaign_id, ...utm };
}

/**
 * The URL with the parameters in its query, before its fragment; all else stays letter by letter. One that it has already is kept, and
 * comes no second time.
 */
export function withUtm(url: string, utm: Utm | null): string {
  if (utm === null) return url;
  const [, start, query, fragment] = /^([^?#]*)(\?[^#]*)?(#[\s\S]*)?$/.exec(url)!;
  // Not by URLSearchParams, which takes time that grows with the square of the parameters: a template may hold a link of a quarter million of them, for every recipient.
  const has = new Set(Object.keys(parse((query ?? '?').slice(1), '&', '=', { maxKeys: 0 })).map((name) => name.toLowerCase()));
  const added = NAMES.flatMap((name) => (utm[name] === undefined || has.has(`utm_${name}`) ? [] : [`utm_${name}=${encodeURIComponent(utm[name])}`]));
  if (added.length === 0) return url;
  const separator = query === undefined ? '?' : query === '?' || query.endsWith('&') ? '' : '&';
  return `${start}${query ?? ''}${separator}${added.join('&')}${fragment ?? ''}`;
}

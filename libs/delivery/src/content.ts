import type { Fault } from '#kernel';
import type { Channel } from '#tenants';
import { RENDER_MS, templateFault } from './template.js';

/** What one channel says. `subject`, `body` and `cta_text` are Liquid; so is `cta_url` after its host. */
export interface ChannelContent {
  subject?: string;
  body?: string;
  cta_text?: string;
  cta_url?: string;
}

/** A campaign's content: it serves all channels, and a channel's own members override it. */
export interface Content extends ChannelContent {
  email?: ChannelContent;
  sms?: ChannelContent;
  push?: ChannelContent;
}

const TEMPLATES = ['subject', 'body', 'cta_text', 'cta_url'] as const;

/** http(s), and a host that no variable can extend: what is stored decides where a link leads, never a recipient's data. */
const SAFE_URL = /^https?:\/\/[^\s{}\\/?#@]+([/?#]|$)/i;

/** The content as the channel sends it. */
export function contentFor(channel: Channel, content: Content): ChannelContent {
  const { subject, body, cta_text, cta_url } = content;
  return { subject, body, cta_text, cta_url, ...content[channel] };
}

/** Every template that does not parse or takes too long, with its line and column, and every link that is no http(s) URL. Pointers start at the body's `/content`. */
export function validateContent(content: Content): Fault[] {
  const parts: [string, ChannelContent | undefined][] = [['', content], ['/email', content.email], ['/sms', content.sms], ['/push', content.push]];
  const until = performance.now() + RENDER_MS;
  return parts.flatMap(([path, part]) => (part === undefined || part === null ? [] : channelFaults(`/content${path}`, part, until)));
}

function channelFaults(path: string, content: ChannelContent, until: number): Fault[] {
  const faults = TEMPLATES.flatMap((name) => {
    const fault = templateFault(content[name] ?? '', until);
    return fault === null ? [] : [{ pointer: `${path}/${name}`, ...fault }];
  });
  if (content.cta_url !== undefined && !isSafeUrl(content.cta_url)) {
    faults.push({ pointer: `${path}/cta_url`, code: 'invalid_url', detail: 'cta_url must be an http or https URL with a fixed host.' });
  }
  return faults;
}

export const isSafeUrl = (url: string): boolean => SAFE_URL.test(url);

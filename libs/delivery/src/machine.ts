import type { IncomingHttpHeaders } from 'node:http';
import { isbot } from 'isbot';

/** Mail services that fetch images and links for their users, whether these look or not. Apple's says nothing but `Mozilla/5.0`. */
const PROXIES = /GoogleImageProxy|ggpht\.com|YahooMailProxy|^Mozilla\/5\.0$|Barracuda|Mimecast|Proofpoint|SafeLinks|Symantec|FireEye|MessageLabs|Cisco-?Secure|Trend ?Micro/i;

/** In what browsers say that nobody has asked yet: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose, and what they sent before there was one. */
const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const;
const AHEAD = /\b(prefetch|prerender|preview)\b/i;

/** Whether a program asked rather than a person. A HEAD request, too, is a program's. */
export function isMachine(method: string, headers: IncomingHttpHeaders): boolean {
  const agent = headers['user-agent'] ?? '';
  if (method === 'HEAD' || agent.trim() === '' || PROXIES.test(agent) || isbot(agent)) return true;
  return PURPOSES.some((name) => AHEAD.test(String(headers[name] ?? '')));
}

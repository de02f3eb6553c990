import { isbot } from 'isbot';

/** Mail services that fetch images and links for their users, whether these look or not. Apple's says nothing but `Mozilla/5.0`. */
const PROXIES = /GoogleImageProxy|ggpht\.com|YahooMailProxy|^Mozilla\/5\.0$|Barracuda|Mimecast|Proofpoint|SafeLinks|Symantec|FireEye|MessageLabs|Cisco-?Secure|Trend ?Micro/i;

/** Whether a program asked rather than a person. A HEAD request, too, is a program's. */
export const isMachine = (method: string, userAgent: string | undefined): boolean =>
  method === 'HEAD' || userAgent === undefined || userAgent.trim() === '' || PROXIES.test(userAgent) || isbot(userAgent);

import { isInstant } from '#http';

const SECONDS = /^\d{1,11}$/;
const MILLISECONDS = /^\d{12,14}$/;

/**
 * An instant as providers write it: Unix seconds (up to 11 digits), Unix milliseconds (12 to 14) or RFC 3339.
 *
 * @returns null if it is none of these, or before 1970
 */
export function readInstant(text: string): Date | null {
  const written = text.toUpperCase().replace(' ', 'T'); // RFC 3339 §5.6 lets a space stand for the T
  const at = SECONDS.test(text) ? Number(text) * 1000 : MILLISECONDS.test(text) ? Number(text) : isInstant(written) ? Date.parse(written) : NaN;
  return at >= 0 ? new Date(at) : null;
}

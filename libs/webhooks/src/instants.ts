const SECONDS = /^\d{1,11}$/;
const MILLISECONDS = /^\d{12,14}$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * An instant as providers write it: Unix seconds (up to 11 digits), Unix milliseconds (12 to 14) or RFC 3339.
 *
 * @returns null when it is none of these, or before 1970
 */
export function readInstant(text: string): Date | null {
  const at = SECONDS.test(text) ? Number(text) * 1000 : MILLISECONDS.test(text) ? Number(text) : RFC_3339.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : NaN;
  return at >= 0 ? new Date(at) : null;
}

/** What separates cells: a comma (RFC 4180), what spreadsheets write where the comma is the decimal sign, or another one on request. */
const DELIMITERS = [',', ';', '\t', '|'] as const;

export type Delimiter = (typeof DELIMITERS)[number];

/** What a first line `sep=;` says, by which spreadsheets tell each other. */
export const declaredDelimiter = (text: string): Delimiter | undefined => /^"?sep=([,;\t|])"?[\r\n]/i.exec(text)?.[1] as Delimiter | undefined;

/** Looks for the end of the header in a text that comes piece by piece, each looked at once. Empty lines before it do not count. */
export function headerScan(): (piece: string) => boolean {
  let quoted = false;
  let begun = false;
  return (piece) => {
    for (const character of piece) {
      if (character === '"') quoted = !quoted;
      const ends = !quoted && (character === '\n' || character === '\r');
      if (ends && begun) return true;
      begun ||= !ends;
    }
    return false;
  };
}

/** The first row of a text as it stands there, quotes and all. */
const headerIn = (text: string): string => /(?:"[^"]*"|[^"\r\n])+/.exec(text)?.[0] ?? text;

/** The delimiter that stands most often in the header, outside of quotes; the comma when none does more often. */
export function delimiterOf(text: string): Delimiter {
  const bare = headerIn(text).replace(/"[^"]*("|$)/g, '');
  const count = (delimiter: Delimiter): number => bare.split(delimiter).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

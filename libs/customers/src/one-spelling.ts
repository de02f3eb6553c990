/**
 * Normalises texts that people write (Unicode's NFC): depending on the keyboard, the file system and the spreadsheet, an é is one code point
 * or an e and an accent, and readers see one letter. Ids are not normalised: they are exactly what their callers say.
 */
export const oneSpelling = (text: string): string => text.normalize('NFC');

/** Of whatever stands in a profile: of a list each text, of anything else but a text itself. */
export const inOneSpelling = <T>(value: T): T =>
  (typeof value === 'string' ? oneSpelling(value) : Array.isArray(value) ? value.map(inOneSpelling) : value) as T;

/**
 * Texts that people write, in one spelling (Unicode's NFC): an é is one code point or an e and an accent, depending on the keyboard, the file
 * system and the spreadsheet, and to its readers it is one letter. Ids are not among them: they are what their callers say.
 */
export const oneSpelling = (text: string): string => text.normalize('NFC');

/** Of whatever stands in a profile: of a list each text, of anything else but a text itself. */
export const inOneSpelling = <T>(value: T): T =>
  (typeof value === 'string' ? oneSpelling(value) : Array.isArray(value) ? value.map(inOneSpelling) : value) as T;

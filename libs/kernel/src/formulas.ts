/** The beginning of a cell that a spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection), full-width characters included, or of one already defused. */
const FORMULA = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** The text as a cell that no spreadsheet computes: prefixed with `'`. A text that already looks defused gets another, so that it comes back as it was. */
export const defused = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/** The text of a cell that may have been {@link defused}. */
export const undefused = (cell: string): string => (cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell);

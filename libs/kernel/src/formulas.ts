/** How a cell begins that a spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection), wide forms included; and one that was defused. */
const FORMULA = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** The text as a cell that no spreadsheet computes: behind a `'`. So is a text that looks defused by itself, or it would not come back as it was. */
export const defused = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/** The text of a cell that may have been {@link defused}. */
export const undefused = (cell: string): string => (cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell);

/** The caller's own id of a customer: any text that a URL and a column can carry. `.` and `..` are refused: in a URL's path they are steps to another path. */
export const isCustomerId = (value: unknown): value is string =>
  // eslint-disable-next-line no-control-regex -- control characters are what it refuses
  typeof value === 'string' && value.length >= 1 && value.length <= 200 && value !== '.' && value !== '..' && value === value.trim() && !/[\u0000-\u001f\u007f]/.test(value) && value.isWellFormed();

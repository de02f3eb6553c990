import { buildMessage, ValidateBy, type ValidationOptions } from 'class-validator';

const INSTANT = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** Whether the text is a calendar date, `YYYY-MM-DD`, from the year 1 on. */
export function isCalendarDate(text: unknown): text is string {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text); // 30 February would have become 2 March
}

const FIRST = Date.parse('0001-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Whether the text is an instant with its zone (RFC 3339 §5.6); a local time would mean something else on every server. Its year in UTC must
 * have four digits too, or it could not be written back. Leap seconds are refused: neither a Date nor PostgreSQL can hold one.
 */
export function isInstant(text: unknown): text is string {
  const day = typeof text === 'string' ? INSTANT.exec(text)?.[1] : undefined;
  if (!isCalendarDate(day)) return false;
  const at = Date.parse((text as string).toUpperCase());
  return at >= FIRST && at <= LAST;
}

/** A property that holds an instant, such as `2026-06-01T12:00:00Z`. */
export const IsInstant = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    { name: 'isInstant', validator: { validate: isInstant, defaultMessage: buildMessage((each) => `${each}$property must be an RFC 3339 date-time with a zone, such as 2026-06-01T12:00:00Z`, options) } },
    options,
  );

/** A property that holds a calendar date, such as `2026-06-01`. */
export const IsCalendarDate = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    { name: 'isCalendarDate', validator: { validate: isCalendarDate, defaultMessage: buildMessage((each) => `${each}$property must be a date, such as 2026-06-01`, options) } },
    options,
  );

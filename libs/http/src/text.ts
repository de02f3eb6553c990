import { Transform } from 'class-transformer';
import { buildMessage, isTimeZone, ValidateBy, type ValidationOptions } from 'class-validator';

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : Array.isArray(value) ? value.map(trimmed) : value);

/** Trims the text before it is validated, so that a minimum length of 1 refuses a text of spaces only. In lists, each element. */
export const Trimmed = (): PropertyDecorator => Transform(({ value }: { value: unknown }) => trimmed(value));

/** A text without control characters: safe in an email header, where a line break would begin another header. Use beside a rule that requires a text. */
export const OneLine = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isOneLine',
      validator: {
        validate: (value: unknown) => typeof value !== 'string' || !/[\p{Cc}\u2028\u2029]/u.test(value),
        defaultMessage: buildMessage((each) => `${each}$property must be one line without control characters`, options),
      },
    },
    options,
  );

/** The name of a time zone. Offsets are refused: they have no daylight saving time, and PostgreSQL reads `+02:00` as west of Greenwich. */
export const IsZoneName = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value: unknown) => isTimeZone(value) && !/^[+-]/.test(value as string),
      defaultMessage: buildMessage((each) => `${each}$property must be an IANA time zone, such as Europe/Berlin`),
    },
  });

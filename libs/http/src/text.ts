import { Transform } from 'class-transformer';
import { buildMessage, isTimeZone, ValidateBy, type ValidationOptions } from 'class-validator';

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : Array.isArray(value) ? value.map(trimmed) : value);

/** Taken without the space around it, before it is judged: with a least length of 1, a text of spaces only is none. Lists: each element. */
export const Trimmed = (): PropertyDecorator => Transform(({ value }: { value: unknown }) => trimmed(value));

/** A text without control characters: what may stand in a header of an email, where a line break would begin another. Beside a rule that it is a text. */
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

/** The name of a time zone. An offset is none: it knows no summer, and to PostgreSQL `+02:00` lies to the west. */
export const IsZoneName = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value: unknown) => isTimeZone(value) && !/^[+-]/.test(value as string),
      defaultMessage: buildMessage((each) => `${each}$property must be an IANA time zone, such as Europe/Berlin`),
    },
  });

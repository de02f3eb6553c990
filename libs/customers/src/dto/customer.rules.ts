import { type ValidationArguments, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { isObject } from '#kernel';
import { normaliseEmail, normalisePhone } from '../contact.js';
import { isCustomerId } from '../customer-id.js';

/** Milliseconds that another system's clock may be ahead of ours. */
const SKEW = 300_000;

export const MAX_ATTRIBUTES = 200;
const ATTRIBUTE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

@ValidatorConstraint({ name: 'isEmail' })
export class EmailRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && normaliseEmail(value) !== null;
  }
  defaultMessage(): string {
    return 'email must be an email address';
  }
}

@ValidatorConstraint({ name: 'isPhone' })
export class PhoneRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && normalisePhone(value) !== null;
  }
  defaultMessage(): string {
    return 'phone must be a valid number with its country code, such as +14155552671';
  }
}

/** A consent with a future date would undo every opt-out made until then, however often. */
@ValidatorConstraint({ name: 'isNotAhead' })
export class NotAheadRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value !== 'string' || !(Date.parse(value.toUpperCase()) > Date.now() + SKEW);
  }
  defaultMessage(): string {
    return 'at must not lie in the future';
  }
}

/** An app's token stands for itself: what has one is no browser's subscription. */
@ValidatorConstraint({ name: 'isAlone' })
export class AloneRule implements ValidatorConstraintInterface {
  validate(_: unknown, { object }: ValidationArguments): boolean {
    const { endpoint, keys } = object as { endpoint?: unknown; keys?: unknown };
    return endpoint === undefined && keys === undefined;
  }
  defaultMessage(): string {
    return 'fcm_token takes neither endpoint nor keys beside it';
  }
}

/** How far ahead of UTC the day begins in the earliest zone. */
const EARLIEST_ZONE = 14 * 3_600_000;

@ValidatorConstraint({ name: 'isBorn' })
export class BornRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value !== 'string' || value <= new Date(Date.now() + EARLIEST_ZONE).toISOString().slice(0, 10);
  }
  defaultMessage(): string {
    return 'birthday must not lie in the future';
  }
}

@ValidatorConstraint({ name: 'isCustomerId' })
export class CustomerIdRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return isCustomerId(value);
  }
  defaultMessage(): string {
    return 'customer_id must be 1 to 200 characters without control characters or surrounding space, and neither . nor ..';
  }
}

@ValidatorConstraint({ name: 'isAttributes' })
export class AttributesRule implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return isObject(value) && Object.keys(value).length <= MAX_ATTRIBUTES && Object.entries(value).every(([name, one]) => isAttributeName(name) && isAttributeValue(one));
  }
  defaultMessage(): string {
    return `attributes takes at most ${MAX_ATTRIBUTES} names (letters, digits, _ and -) with texts up to 1,000 characters, numbers, booleans or lists of texts`;
  }
}

/** `constructor` is none, as in no JSON body of ours. */
export const isAttributeName = (name: string): boolean => ATTRIBUTE_NAME.test(name) && name !== 'constructor';

const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= 1000;

const isAttributeValue = (value: unknown): boolean =>
  value === null || typeof value === 'number' || typeof value === 'boolean' || isShortText(value) || (Array.isArray(value) && value.length <= 200 && value.every(isShortText));

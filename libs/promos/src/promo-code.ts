import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { Matches } from 'class-validator';
import type { WinningFault } from '#http';
import { PromoError } from './promo.errors.js';

export const PROMO_CODE = /^[A-Z0-9][A-Z0-9_-]{2,31}$/;

/** Of the longest one. */
export const PROMO_CODE_LENGTH = 32;

/** Trims, and upper-cases ASCII alone: Unicode's rules would turn `straße` into another code. */
export const normaliseCode = (typed: string): string => typed.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());

const normalise = (value: unknown): unknown => (typeof value === 'string' ? normaliseCode(value) : Array.isArray(value) ? value.map(normalise) : value);

/** A code from the wire, in its one spelling; anything else is `invalid_promo_code`, whatever else is wrong. */
export const IsPromoCode = ({ each = false } = {}): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => normalise(value)),
    Matches(PROMO_CODE, {
      each,
      message: '$property must be 3 to 32 of A-Z, 0-9, _ and -, beginning with a letter or digit',
      context: { raise: (errors) => new PromoError('invalid_promo_code', { errors }) } satisfies WinningFault,
    }),
  );

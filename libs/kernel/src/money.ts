/** Inside, money is an integer number of minor units (cents) of the tenant's currency. On the wire it is a decimal number. */

/** ISO 4217 minor-unit exponents that differ from 2 (list one, https://www.six-group.com/en/products-services/financial-information/data-standards.html). */
const EXPONENTS: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
  BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
  CLF: 4, UYW: 4,
};

const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));

/** Whether the code is one of ISO 4217 (as the platform's CLDR data lists it). */
export const isCurrency = (code: string): boolean => CURRENCIES.has(code);

/** How many decimals the currency has: JPY 0, USD 2, KWD 3. */
export const currencyExponent = (currency: string): number => EXPONENTS[currency] ?? 2;

/**
 * A decimal from the wire as minor units, or null when it is not finite, has more decimals than the currency, or leaves
 * the range in which a double is exact to the cent (±2^53 minor units).
 * A JSON number is a double: 244091.94 arrives as the nearest double, so the test is that the rounded value prints the same.
 *
 * @example toMinor(24.5, 'USD') // 2450
 */
export function toMinor(amount: number, currency: string): number | null {
  const exponent = currencyExponent(currency);
  if (!Number.isFinite(amount)) return null;
  const minor = Math.round(amount * 10 ** exponent);
  if (!Number.isSafeInteger(minor)) return null;
  return Number((minor / 10 ** exponent).toFixed(exponent)) === amount ? minor : null;
}

/** Minor units as the decimal number of the wire. Also takes the text that pg returns for a bigint. */
export function toDecimal(minor: number | string | bigint, currency: string): number {
  const exponent = currencyExponent(currency);
  return Number((Number(minor) / 10 ** exponent).toFixed(exponent));
}

/** part ÷ whole × 100 to one decimal, halves up; 0 when whole is 0. The product comes first: 201 of 400 is 50.3, where dividing first would lose the half. */
export const percentage = (part: number, whole: number): number => (whole === 0 ? 0 : Math.round((part * 1000) / whole) / 10);

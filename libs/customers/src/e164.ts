import metadata from 'libphonenumber-js/max/metadata';

/**
 * The numbering plan of a country: of the tuple that libphonenumber-js keeps it as (its METADATA.md), what tells whether a number that is
 * E.164 already is one of the country's.
 */
interface Plan {
  /** What the national number begins with, where that tells the countries of one calling code apart. */
  leadingDigits: RegExp | null;
  /** Whether the country has the national number. */
  has(national: string): boolean;
}

interface CallingCode {
  /** What may be a national prefix, and not part of the number. */
  prefix: RegExp | null;
  plans: readonly Plan[];
}

const PATTERN = 2;
const LENGTHS = 3;
const NATIONAL_PREFIX = 5;
const PREFIX_FOR_PARSING = 7;
const LEADING_DIGITS = 10;
const TYPES = 11;

type Type = [pattern?: string, lengths?: number[]];

const codes = new Map<string, CallingCode | null>();

/**
 * Whether the text is a valid number, and written as libphonenumber-js would write it: which takes that 10 µs and this a tenth. False where there
 * is any doubt, so that it must be asked; a property test holds both against each other.
 */
export function isPlainE164(text: string): boolean {
  if (!/^\+[1-9]\d{6,14}$/.test(text)) return false;
  for (let end = 2; end <= 4; end++) {
    const code = codeOf(text.slice(1, end));
    if (code !== null) return belongs(text.slice(end), code);
  }
  return false;
}

function belongs(national: string, { prefix, plans }: CallingCode): boolean {
  if (prefix?.exec(national)?.some((part) => part !== undefined && part !== '')) return false;
  if (plans.length === 1) return plans[0]!.has(national);
  // The first whose leading digits, or else whose numbers, these are.
  for (const { leadingDigits, has } of plans) {
    if (leadingDigits === null ? has(national) : leadingDigits.test(national)) return has(national);
  }
  return false;
}

function codeOf(code: string): CallingCode | null {
  let known = codes.get(code);
  if (known === undefined) codes.set(code, (known = readCode(code)));
  return known;
}

function readCode(code: string): CallingCode | null {
  const countries = (metadata.country_calling_codes as Partial<Record<string, (keyof typeof metadata.countries)[]>>)[code];
  if (countries === undefined) return null;
  const tuples = countries.map((country) => metadata.countries[country] as unknown[]);
  const prefix = (tuples[0]![PREFIX_FOR_PARSING] || tuples[0]![NATIONAL_PREFIX]) as string | undefined;
  return { prefix: prefix ? new RegExp(`^(?:${prefix})`) : null, plans: tuples.map(readPlan) };
}

function readPlan(tuple: unknown[]): Plan {
  const whole = (pattern: unknown): RegExp => new RegExp(`^(?:${pattern as string})$`);
  const pattern = whole(tuple[PATTERN]);
  const types = ((tuple[TYPES] ?? []) as Type[]).flatMap((type) => (type?.[0] ? [{ pattern: whole(type[0]), lengths: type[1] ?? (tuple[LENGTHS] as number[]) }] : []));
  return {
    leadingDigits: tuple[LEADING_DIGITS] ? new RegExp(`^(?:${tuple[LEADING_DIGITS] as string})`) : null,
    has: (national) => pattern.test(national) && types.some((type) => type.lengths.includes(national.length) && type.pattern.test(national)),
  };
}

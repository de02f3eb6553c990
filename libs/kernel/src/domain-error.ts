/** One fault in the caller's input: where it is (RFC 6901 pointer into the body, or a query parameter's name) and what was expected. */
export interface Fault {
  pointer?: string;
  parameter?: string;
  code: string;
  detail: string;
  [param: string]: unknown;
}

export interface ErrorContext {
  detail?: string;
  errors?: Fault[];
  /** Extra members of the problem document (RFC 9457 §3.2), such as `shortfall`. */
  params?: Record<string, unknown>;
  /** Seconds; becomes the Retry-After header. */
  retryAfter?: number;
}

/**
 * An expected failure with a stable code that callers may match on. Each domain extends it with its own union of codes
 * and an exhaustive code → status table; one filter in `http` renders all of them as application/problem+json.
 */
export abstract class DomainError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly context: ErrorContext = {},
  ) {
    super(context.detail ?? code);
    this.name = new.target.name;
  }
}

/** What every domain's error table looks like: code → [HTTP status, what it means]. */
export type ErrorTable<Code extends string = string> = Readonly<Record<Code, readonly [status: number, meaning: string]>>;

/**
 * Builds a domain's error class from its table, so that a code can neither lack a status nor be misspelt.
 *
 * @example class PromoError extends domainError({ promo_not_found: [404, 'No such promo code.'] }) {}
 */
export function domainError<Code extends string>(table: ErrorTable<Code>) {
  return class extends DomainError {
    declare readonly code: Code;

    /** The rows of the table that a route can answer with, for its documentation. */
    static only(...codes: Code[]): ErrorTable {
      return Object.fromEntries(codes.map((one) => [one, table[one]]));
    }

    constructor(code: Code, context: ErrorContext = {}) {
      super(code, table[code][0], { ...context, detail: context.detail ?? table[code][1] });
    }
  };
}

/** Codes that any route may answer with; a domain's own codes live in the domain. */
export const COMMON_ERRORS = {
  validation_failed: [400, 'The request is malformed; every fault is listed in `errors`.'],
  page_too_deep: [400, 'page × limit may not exceed 10,000; continue with `cursor`.'],
  unauthorized: [401, 'A valid bearer token is required.'],
  forbidden: [403, 'The token’s roles do not permit this.'],
  not_found: [404, 'There is nothing at this path.'],
  method_not_allowed: [405, 'This path does not take that method.'],
  request_timeout: [408, 'The request did not arrive in time.'],
  idempotency_in_flight: [409, 'A request with this Idempotency-Key is still running.'],
  version_conflict: [412, 'The object changed since the version named by If-Match.'],
  payload_too_large: [413, 'The body exceeds the limit of this route.'],
  unsupported_media_type: [415, 'The route does not take this Content-Type, or not with this Content-Encoding.'],
  idempotency_key_reused: [422, 'This Idempotency-Key was used with another body.'],
  rate_limited: [429, 'Too many requests; wait for Retry-After seconds.'],
  headers_too_large: [431, 'The request line and the headers are too large.'],
  internal_error: [500, 'Something failed on our side; the request id finds it in our logs.'],
  unavailable: [503, 'Temporarily unavailable; retry after Retry-After seconds.'],
} as const satisfies ErrorTable<string>;

export class RequestError extends domainError<keyof typeof COMMON_ERRORS>(COMMON_ERRORS) {}

/** Shorthand for the one error every validator throws. */
export const validationFailed = (errors: Fault[], detail?: string): RequestError =>
  new RequestError('validation_failed', { errors, detail });

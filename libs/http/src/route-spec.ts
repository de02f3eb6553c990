import type { Type } from '@nestjs/common';
import type { Access } from '#auth';
import type { ErrorTable } from '#kernel';
import type { ResponseHeader } from './response-headers.js';

/** The metadata key of a handler's {@link RouteSpec}. */
export const ROUTE = 'route';

/** A route's contract in one place: what it demands, takes and answers. Access control and the OpenAPI document both come from it. */
export interface RouteSpec {
  /** The permission it demands, or `public`. */
  allow: Access;
  summary: string;
  description: string;
  /** 200 by default. */
  status?: 200 | 201 | 202 | 204 | 302;
  /** The DTO of the answer, or one for each shape it may have; none for 204. */
  returns?: Type | readonly Type[];
  /** The handler returns a `Versioned`, whose version is the ETag. */
  versioned?: boolean;
  /** A second status with the same kind of answer, and when it is used. */
  also?: { status: 200 | 201; description: string };
  /** Its own headers, beyond those that follow from the rest. */
  headers?: ResponseHeader[];
  /** An example answer; a test checks it against the DTO. */
  example?: unknown;
  /** A content type other than JSON, for a string or a stream. */
  produces?: string;
  /** Examples of the body by name; each works when pasted. */
  bodies?: Record<string, unknown>;
  /** What it also takes as a form (`application/x-www-form-urlencoded`): the schema of its fields, and examples by name. */
  form?: { schema: object; bodies: Record<string, unknown> };
  /** The member of the body whose items are refused one by one, even for faults that would refuse any other body as a whole, such as U+0000. */
  batch?: string;
  /** The use case itself refuses a body that cannot be stored, such as one with U+0000, with a code of its own; it gets the body as an `Unstorable`. */
  judgesBody?: boolean;
  /** The body may be left out. */
  bodyOptional?: boolean;
  /** A body other than JSON. */
  consumes?: string;
  /** Its error codes beyond the common ones: `PromoError.only('promo_not_found')`. */
  errors?: ErrorTable[];
  /**
   * Takes an Idempotency-Key. The use case must do all its work in one `inTenant`, the first that it opens, and answer with what that returned;
   * or return a `Begun` from it, and call somebody else's server afterwards. Before it, a stream may be read in on a lent client, if that has no effect by itself.
   */
  idempotent?: boolean;
  /** Takes If-Match; an upsert also takes If-None-Match. */
  conditional?: boolean | 'upsert';
  /** The path under which the created object lives, such as `/campaigns`, unless it is the path posted to. */
  createdUnder?: string;
  /** Bytes; 1 MiB by default. */
  bodyLimit?: number;
  /** The most objects, lists and members its JSON may hold; unlimited by default. */
  bodyParts?: number;
  /** Keeps the body's bytes in `request.rawBody`; with `anything`, whatever its media type, and without one. */
  rawBody?: boolean | 'anything';
}

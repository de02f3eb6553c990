import type { Type } from '@nestjs/common';
import type { Access } from '#auth';
import type { ErrorTable } from '#kernel';
import type { ResponseHeader } from './response-headers.js';

/** The metadata of a handler that has its {@link RouteSpec}. */
export const ROUTE = 'route';

/** Everything a route promises, said once: what it demands, what it takes, what it answers. Access control and the OpenAPI document both come from it. */
export interface RouteSpec {
  /** The permission it demands, or `public`. */
  allow: Access;
  summary: string;
  description: string;
  /** 200 unless said. */
  status?: 200 | 201 | 202 | 204 | 302;
  /** The DTO of the answer, or of each shape it may have; none for 204. */
  returns?: Type | readonly Type[];
  /** Answers with a `Versioned`: its version is the ETag. */
  versioned?: boolean;
  /** A second status that it answers alike with, and when. */
  also?: { status: 200 | 201; description: string };
  /** Headers of its own, beyond those that follow from the rest. */
  headers?: ResponseHeader[];
  /** The answer as an example: it is held against the DTO by a test. */
  example?: unknown;
  /** A content type other than JSON, for a string or a stream. */
  produces?: string;
  /** Examples of the body by name; each works when pasted. */
  bodies?: Record<string, unknown>;
  /** What it takes as a form, too (`application/x-www-form-urlencoded`): what its fields are, and examples by name. */
  form?: { schema: object; bodies: Record<string, unknown> };
  /** The member of the body whose items are refused one by one, also for what keeps any other body out as a whole, such as U+0000. */
  batch?: string;
  /** Its use case refuses even a body that nobody can keep, such as for U+0000, and gets it as an `Unstorable`: it has a code of its own for it. */
  judgesBody?: boolean;
  /** The body may be left out. */
  bodyOptional?: boolean;
  /** A body other than JSON. */
  consumes?: string;
  /** The codes it answers with beyond the common ones: `PromoError.only('promo_not_found')`. */
  errors?: ErrorTable[];
  /** Takes an Idempotency-Key: its use case must do all its work in one `inTenant`, the first it opens, and answer with what that returned; or return a `Begun` from it, and call somebody else's server then. A stream it may take in before, on a lent client, if that has no effect by itself. */
  idempotent?: boolean;
  /** Takes If-Match; an upsert takes If-None-Match, too. */
  conditional?: boolean | 'upsert';
  /** Path under which the created object lives, when it is not the path that was posted to; such as `/campaigns`. */
  createdUnder?: string;
  /** Bytes; 1 MiB unless said. */
  bodyLimit?: number;
  /** The most objects, lists and members that its JSON may hold; any number unless said. */
  bodyParts?: number;
  /** Leaves the body's bytes in `request.rawBody`; with `anything`, whatever its media type, or without one. */
  rawBody?: boolean | 'anything';
}

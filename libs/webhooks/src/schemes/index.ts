import { envelope } from '../normalisers/envelope.js';
import { verifyGeneric } from './generic.js';
import type { Scheme, SignedRequest } from './scheme.js';
import { verifyStandard } from './standard.js';

/** The headers say which of the two it is; one that carries ours is held to ours. */
const isStandard = ({ headers }: SignedRequest): boolean => headers['webhook-signature'] !== undefined && headers['x-webhook-signature'] === undefined;

/** Every scheme a connection may name. A provider's own is one file here and one under normalisers. */
export const SCHEMES = {
  generic: { verify: (request, trust) => (isStandard(request) ? verifyStandard : verifyGeneric)(request, trust), normaliser: envelope },
} as const satisfies Record<string, Scheme>;

export type SchemeName = keyof typeof SCHEMES;
export const SCHEME_NAMES = Object.keys(SCHEMES) as SchemeName[];
export type { SignedRequest, Trust, Verdict } from './scheme.js';

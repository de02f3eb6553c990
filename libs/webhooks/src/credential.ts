import { newWebhookSecret } from '#http';
import { type Fault, validationFailed } from '#kernel';
import type { ProviderId } from './providers.js';
import { type SchemeName, SCHEMES, schemesOf } from './schemes/index.js';
import { readPublicKey } from './schemes/sendgrid.js';

/** What a caller supplies to verify a provider's posts with. */
export interface GivenCredential {
  secret?: string;
  public_key?: string;
}

/** What a connection verifies with. */
export interface Credential {
  /** A secret or, where the scheme has one, a public key. */
  secret: string;
  /** Generated here, so the caller must be shown it. */
  generated: boolean;
}

/** @throws RequestError validation_failed for a scheme of another provider */
export function assertScheme(provider: ProviderId, scheme: SchemeName): void {
  const schemes = schemesOf(provider);
  if (!schemes.includes(scheme)) throw refused('scheme', 'scheme_of_another_provider', `${provider} supports the schemes ${schemes.join(', ')}.`);
}

/** @throws RequestError validation_failed for a token where the scheme uses none */
export function assertApiToken(scheme: SchemeName, { api_token }: { api_token?: string }): void {
  if (api_token !== undefined && scheme !== 'hubspot') throw refused('api_token', 'not_of_scheme', `${scheme} uses no API token.`);
}

/**
 * What a connection of the scheme verifies with: what the caller gives, or a generated secret if either side may choose it.
 *
 * @throws RequestError validation_failed for a member that the scheme does not use, one that is missing, and an invalid key
 */
export function credentialFor(scheme: SchemeName, { secret, public_key }: GivenCredential): Credential {
  const { key } = SCHEMES[scheme];
  if (key === 'public_key') {
    if (secret !== undefined) throw refused('secret', 'not_of_scheme', `${scheme} signs with a private key: give its public_key instead.`);
    if (public_key === undefined) throw refused('public_key', 'required', `${scheme} needs the public key that the provider shows.`);
    if (readPublicKey(public_key) === null) throw refused('public_key', 'malformed', 'public_key must be a P-256 key: base64 of its DER, or PEM.');
    return { secret: public_key, generated: false };
  }
  if (public_key !== undefined) throw refused('public_key', 'not_of_scheme', `${scheme} has no public key.`);
  if (secret === undefined && key === 'of_provider') throw refused('secret', 'required', `${scheme} needs the secret that the provider signs with.`);
  return { secret: secret ?? newWebhookSecret(), generated: secret === undefined };
}

const refused = (member: string, code: string, detail: string): Error => validationFailed([{ pointer: `/${member}`, code, detail } satisfies Fault]);

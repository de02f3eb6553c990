import type { Env } from '#config';
import type { Tenant } from '#kernel';
import type { ProviderId } from './providers.js';
import { type SchemeName, SCHEMES, schemesOf } from './schemes/index.js';
import { readPublicKey } from './schemes/sendgrid.js';

const VARIABLES = {
  sendgrid: 'WEBHOOK_SECRET_SENDGRID',
  twilio: 'WEBHOOK_SECRET_TWILIO',
  mailchimp: 'WEBHOOK_SECRET_MAILCHIMP',
  hubspot: 'WEBHOOK_SECRET_HUBSPOT',
} as const satisfies Record<ProviderId, keyof Env>;

/**
 * The deployment's own secrets for a provider's scheme, used when a post names no connection; empty if it has none of that kind. A public
 * key is never used as a shared secret: anybody may know it, and could then sign with it.
 */
export function deploymentSecrets(env: Env, provider: ProviderId, scheme: SchemeName): string[] {
  const given = [env[VARIABLES[provider]], ...(scheme === 'twilio' ? [env.TWILIO_AUTH_TOKEN] : [])].filter((secret) => secret !== undefined);
  return given.filter((secret) => (readPublicKey(secret) !== null) === (SCHEMES[scheme].key === 'public_key'));
}

/** Whether the deployment accepts the provider's posts without a connection. */
export const isDeployed = (env: Env, provider: ProviderId): boolean => schemesOf(provider).some((scheme) => deploymentSecrets(env, provider, scheme).length > 0);

/** What a sealed secret is bound to: copied to the row of another tenant or provider, it cannot be opened. */
export const secretContext = (tenant: Tenant, provider: ProviderId): string => `webhook_secrets/${tenant.id}/${provider}`;

/** The same for the tenant's HubSpot access token. */
export const apiTokenContext = (tenant: Tenant): string => `webhook_api_tokens/${tenant.id}/hubspot`;

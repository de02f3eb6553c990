import type { Env } from '#config';
import type { Tenant } from '#kernel';
import type { ProviderId } from './providers.js';

const VARIABLES = {
  sendgrid: 'WEBHOOK_SECRET_SENDGRID',
  twilio: 'WEBHOOK_SECRET_TWILIO',
  mailchimp: 'WEBHOOK_SECRET_MAILCHIMP',
  hubspot: 'WEBHOOK_SECRET_HUBSPOT',
} as const satisfies Record<ProviderId, keyof Env>;

/** The deployment's own secret for a provider, where posts name no connection. */
export const deploymentSecret = (env: Env, provider: ProviderId): string | undefined => env[VARIABLES[provider]];

/** What a sealed secret is bound to: copied to another tenant's or provider's row it does not open. */
export const secretContext = (tenant: Tenant, provider: ProviderId): string => `webhook_secrets/${tenant.id}/${provider}`;

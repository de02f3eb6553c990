import type { Env } from '#config';
import type { Channel as ChannelName } from '#tenants';
import type { Channel } from './channel.js';
import { SendGridChannel } from './sendgrid.js';
import { SmtpChannel } from './smtp.js';
import { TwilioChannel } from './twilio.js';

/** What a tenant gave us to use a provider with. */
export type Credentials = Readonly<Record<string, string>>;

interface Provider {
  channel: ChannelName;
  /** By the deployment's own environment; null when it has none of the provider. */
  ofDeployment(env: Env): Channel | null;
  /** By a tenant's credentials; absent where a tenant cannot bring its own. */
  ofTenant?(credentials: Credentials, env: Env): Channel;
}

/** Every provider; of a channel's several, the deployment uses the first that it has. */
export const PROVIDERS = {
  sendgrid: {
    channel: 'email',
    ofDeployment: ({ SENDGRID_API_KEY, SENDGRID_API_URL }) => (SENDGRID_API_KEY === undefined ? null : new SendGridChannel(SENDGRID_API_KEY, SENDGRID_API_URL)),
    ofTenant: ({ api_key }, { SENDGRID_API_URL }) => new SendGridChannel(api_key!, SENDGRID_API_URL),
  },
  smtp: {
    channel: 'email',
    ofDeployment: ({ SMTP_URL }) => (SMTP_URL === undefined ? null : new SmtpChannel(SMTP_URL)),
  },
  twilio: {
    channel: 'sms',
    ofDeployment: ({ TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_URL, PUBLIC_URL }) =>
      TWILIO_ACCOUNT_SID === undefined || TWILIO_AUTH_TOKEN === undefined ? null : new TwilioChannel({ accountSid: TWILIO_ACCOUNT_SID, authToken: TWILIO_AUTH_TOKEN }, TWILIO_API_URL, PUBLIC_URL),
    ofTenant: ({ account_sid, auth_token }, { TWILIO_API_URL, PUBLIC_URL }) => new TwilioChannel({ accountSid: account_sid!, authToken: auth_token! }, TWILIO_API_URL, PUBLIC_URL),
  },
} satisfies Record<string, Provider> as Readonly<Record<ProviderId, Provider>>;

export const PROVIDER_IDS = ['sendgrid', 'smtp', 'twilio'] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

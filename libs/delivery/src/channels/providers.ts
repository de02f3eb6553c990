import type { Env } from '#config';
import type { Outbound } from '#http';
import type { Channel as ChannelName } from '#tenants';
import type { Channel } from './channel.js';
import { FcmChannel } from './fcm.js';
import { HttpChannel } from './http.js';
import { SendGridChannel } from './sendgrid.js';
import { SmtpChannel, type SmtpServer } from './smtp.js';
import { TwilioChannel } from './twilio.js';
import { WebPushChannel } from './webpush.js';

/** What a tenant gave us to use a provider with; `connection` is the key of its webhook connection, if the provider reports to one. */
export type Credentials = Readonly<Record<string, string>>;

interface Provider {
  channel: ChannelName;
  /** From the deployment's environment; null when it does not configure the provider. */
  ofDeployment(env: Env, outbound: Outbound): Channel | null;
  /** From a tenant's credentials. */
  ofTenant(credentials: Credentials, env: Env, perSecond: number | null, outbound: Outbound): Channel;
}

/** The URL, sent with each message, to which the provider posts what became of it. */
const reportUrl = (publicUrl: string, provider: ProviderId, connection?: string) => (deliveryId: string): string =>
  `${publicUrl}/api/v1/marketing/webhooks/${provider}?${new URLSearchParams({ ...(connection !== undefined && { connection }), delivery_id: deliveryId }).toString()}`;

const overHttp = (channel: ChannelName): Provider => ({
  channel,
  ofDeployment: () => null,
  ofTenant: ({ url, secret }, _, perSecond, outbound) => new HttpChannel(channel, { url: url!, secret: secret! }, outbound, perSecond),
});

/** Every provider; where a channel has several, the deployment uses the first that it has. */
export const PROVIDERS = {
  sendgrid: {
    channel: 'email',
    ofDeployment: ({ SENDGRID_API_KEY, SENDGRID_API_URL, SENDGRID_MAX_PER_SECOND }) => (SENDGRID_API_KEY === undefined ? null : new SendGridChannel(SENDGRID_API_KEY, SENDGRID_API_URL, SENDGRID_MAX_PER_SECOND)),
    ofTenant: ({ api_key }, { SENDGRID_API_URL }, perSecond) => new SendGridChannel(api_key!, SENDGRID_API_URL, perSecond),
  },
  smtp: {
    channel: 'email',
    ofDeployment: ({ SMTP_URL, SMTP_MAX_PER_SECOND }) => (SMTP_URL === undefined ? null : new SmtpChannel(SMTP_URL, SMTP_MAX_PER_SECOND)),
    ofTenant: ({ host, port, security, ...login }, _, perSecond, outbound) =>
      new SmtpChannel({ host: host!, port: Number(port), security: security as SmtpServer['security'], ...login, dial: (name, at) => outbound.dial(name, at) }, perSecond),
  },
  twilio: {
    channel: 'sms',
    ofDeployment: ({ TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_URL, PUBLIC_URL, TWILIO_MAX_PER_SECOND }) =>
      TWILIO_ACCOUNT_SID === undefined || TWILIO_AUTH_TOKEN === undefined ? null : new TwilioChannel({ accountSid: TWILIO_ACCOUNT_SID, authToken: TWILIO_AUTH_TOKEN }, TWILIO_API_URL, reportUrl(PUBLIC_URL, 'twilio'), TWILIO_MAX_PER_SECOND),
    ofTenant: ({ account_sid, auth_token, connection }, { TWILIO_API_URL, PUBLIC_URL }, perSecond) =>
      new TwilioChannel({ accountSid: account_sid!, authToken: auth_token! }, TWILIO_API_URL, reportUrl(PUBLIC_URL, 'twilio', connection), perSecond),
  },
  webpush: {
    channel: 'push',
    ofDeployment: ({ VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT }, outbound) =>
      VAPID_PUBLIC_KEY === undefined || VAPID_PRIVATE_KEY === undefined || VAPID_SUBJECT === undefined
        ? null
        : new WebPushChannel({ publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY, subject: VAPID_SUBJECT }, outbound),
    ofTenant: ({ public_key, private_key, subject }, _, perSecond, outbound) => new WebPushChannel({ publicKey: public_key!, privateKey: private_key!, subject: subject! }, outbound, perSecond),
  },
  fcm: {
    channel: 'push',
    ofDeployment: ({ FCM_SERVICE_ACCOUNT, FCM_API_URL, FCM_TOKEN_URL }) => {
      if (FCM_SERVICE_ACCOUNT === undefined) return null;
      const account = JSON.parse(FCM_SERVICE_ACCOUNT) as Credentials;
      return new FcmChannel({ clientEmail: account.client_email!, privateKey: account.private_key!, projectId: account.project_id! }, { api: FCM_API_URL, token: FCM_TOKEN_URL });
    },
    ofTenant: ({ client_email, private_key, project_id }, { FCM_API_URL, FCM_TOKEN_URL }, perSecond) =>
      new FcmChannel({ clientEmail: client_email!, privateKey: private_key!, projectId: project_id! }, { api: FCM_API_URL, token: FCM_TOKEN_URL }, perSecond),
  },
  http_email: overHttp('email'),
  http_sms: overHttp('sms'),
  http_push: overHttp('push'),
} satisfies Record<string, Provider> as Readonly<Record<ProviderId, Provider>>;

export const PROVIDER_IDS = ['sendgrid', 'smtp', 'twilio', 'webpush', 'fcm', 'http_email', 'http_sms', 'http_push'] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** One serves browsers, the other apps: neither can stand in for the other, so both are used where both are configured. */
const BESIDE: readonly ProviderId[] = ['webpush', 'fcm'];

/**
 * The providers that messages of the channel go over: the tenant's own that was connected last, else the deployment's first.
 *
 * @param own newest first
 */
export function providersOf(name: ChannelName, own: readonly ProviderId[], deployment: readonly ProviderId[]): ProviderId[] {
  const ofChannel = (ids: readonly ProviderId[]): ProviderId[] => ids.filter((id) => PROVIDERS[id].channel === name);
  const [mine, theirs] = [ofChannel(own), ofChannel(deployment)];
  const chosen = mine[0] ?? theirs[0];
  if (chosen === undefined || !BESIDE.includes(chosen)) return chosen === undefined ? [] : [chosen];
  return BESIDE.filter((id) => mine.includes(id) || theirs.includes(id));
}

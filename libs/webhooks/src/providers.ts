/** The providers of the API reference, in its order, and what each reports. */
export const PROVIDERS = {
  sendgrid: { name: 'SendGrid', events: ['delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained', 'failed'] },
  twilio: { name: 'Twilio', events: ['delivered', 'failed'] },
  mailchimp: { name: 'Mailchimp', events: ['subscribed', 'unsubscribed', 'campaign_sent'] },
  hubspot: { name: 'HubSpot', events: ['contact_created', 'form_submitted'] },
} as const satisfies Record<string, { name: string; events: readonly string[] }>;

export type ProviderId = keyof typeof PROVIDERS;
export type EventName = (typeof PROVIDERS)[ProviderId]['events'][number];

export const PROVIDER_IDS = Object.keys(PROVIDERS) as ProviderId[];

export const isProvider = (text: string): text is ProviderId => Object.hasOwn(PROVIDERS, text);

/** Whether the provider reports events of this name. */
export const reports = (provider: ProviderId, event: string): event is EventName => (PROVIDERS[provider].events as readonly string[]).includes(event);

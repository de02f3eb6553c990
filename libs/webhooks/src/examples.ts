/** The API reference's own samples, and others like them. */
export const ENVELOPE = { event_type: 'email.opened', email: 'customer@example.com', campaign_id: 'camp_001', timestamp: '2026-01-24T18:30:00Z' };

export const ENVELOPE_LIST = [
  { ...ENVELOPE, event_id: 'evt_1' },
  { event_type: 'email.clicked', event_id: 'evt_2', email: 'customer@example.com', campaign_id: 'camp_001', url: 'https://order.example.com?promo=FLASH25', timestamp: 1769279460 },
];

export const PROVIDER_LIST = {
  providers: [
    { id: 'sendgrid', name: 'SendGrid', status: 'connected', events_received: 15420, last_event: '2026-01-24T18:30:00Z' },
    { id: 'twilio', name: 'Twilio', status: 'connected', events_received: 8920 },
    { id: 'mailchimp', name: 'Mailchimp', status: 'disconnected' },
    { id: 'hubspot', name: 'HubSpot', status: 'disconnected' },
  ],
};

export const CONNECTION = {
  id: 'whc_01kzv3q6x0w9m2h7c4t8r5e1nd',
  status: 'connected',
  reason: null,
  last_verified: '2026-01-24T18:30:00.000Z',
  scheme: 'generic',
  url: 'https://crm.example.com/api/v1/marketing/webhooks/sendgrid?connection=whc_01kzv3q6x0w9m2h7c4t8r5e1nd',
  tolerance_seconds: 300,
  previous_secret_valid_until: null,
  failed_verifications: 0,
  has_api_token: false,
};

/** The private key was not kept. */
export const PUBLIC_KEY = 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEl45l2dl+g4cC6EvolGmRZMPNXYKLFnNBUDh6AcBZVG3ieY7+70iaDMM/epRtZFYoko0fbltucZ9Ym+ICHtmpQ==';

export const EVENT = {
  id: 'whe_01kzv3q6x0w9m2h7c4t8r5e1nd',
  provider: 'sendgrid',
  type: 'email.opened',
  status: 'processed',
  reason: null,
  attempts: 0,
  next_attempt_at: null,
  received_at: '2026-01-24T18:30:01.200Z',
  processed_at: '2026-01-24T18:30:01.260Z',
  payload: ENVELOPE,
};

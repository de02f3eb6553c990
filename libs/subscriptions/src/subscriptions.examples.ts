import type { EventSubscriptionDto } from './dto/event-subscription.dto.js';

export const SUBSCRIPTION: EventSubscriptionDto = {
  id: 'sub_01kzv3q6x0w9m2h7c4t8r5e1nd',
  url: 'https://crm.example.com/hooks/marketing',
  events: ['campaign.completed', 'delivery.bounced', 'customer.unsubscribed'],
  active: true,
  disabled: null,
  failing_since: null,
  previous_secret_valid_until: null,
  created_at: '2026-01-24T18:30:00.000Z',
  updated_at: '2026-01-24T18:30:00.000Z',
};

export const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD28eQ8t5VqLk=';

import type { EventAttemptDto } from './dto/event-attempt.dto.js';
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

export const ATTEMPT: EventAttemptDto = {
  id: 'att_01kzv3q6x0w9m2h7c4t8r5e1nd',
  message_id: 'msg_01kzv3q6x0w9m2h7c4t8r5e1nd',
  type: 'campaign.completed',
  status: 'failed',
  status_code: 503,
  error: null,
  duration_ms: 84,
  response: 'Service Unavailable',
  attempted_at: '2026-01-24T18:30:00.000Z',
  message_status: 'pending',
  next_attempt_at: '2026-01-24T18:30:05.000Z',
};

import { domainError } from '#kernel';

export class WebhookError extends domainError({
  unknown_provider: [404, 'The providers are sendgrid, twilio, mailchimp and hubspot.'],
  connection_not_found: [404, 'The provider is not connected.'],
  webhook_event_not_found: [404, 'The provider has sent no such event.'],
  invalid_signature: [401, 'The signature or its timestamp is missing, unreadable, or not made over these bytes with a secret of the connection.'],
  stale_timestamp: [401, 'The signature is right, but its timestamp is further from now than the connection tolerates.'],
  invalid_state: [409, 'A duplicate is not replayed: replay the event that it repeats. Nor is what was erased.'],
  too_many_events: [422, 'A range of at most 100,000 events is replayed at once.'],
}) {}

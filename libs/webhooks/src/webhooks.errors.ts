import { domainError } from '#kernel';

export class WebhookError extends domainError({
  unknown_provider: [404, 'The providers are sendgrid, twilio, mailchimp and hubspot.'],
  connection_not_found: [404, 'The provider is not connected.'],
  webhook_event_not_found: [404, 'There is no such event from this provider.'],
  invalid_signature: [401, 'The signature or its timestamp is missing or unreadable, or the signature was not made over these bytes with a secret of the connection.'],
  stale_timestamp: [401, 'The signature is right, but its timestamp is further from now than the connection tolerates.'],
  invalid_state: [409, 'Duplicates and erased events cannot be replayed. Instead of a duplicate, replay the event that it repeats.'],
  too_many_events: [422, 'At most 100,000 events can be replayed at once.'],
}) {}

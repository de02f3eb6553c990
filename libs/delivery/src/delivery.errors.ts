import { domainError } from '#kernel';

export class DeliveryError extends domainError({
  campaign_not_found: [404, 'No such campaign.'],
  delivery_not_found: [404, 'No such delivery of this campaign.'],
  invalid_state: [409, 'Only a delivery whose outcome is unknown can be settled.'],
  channel_not_found: [404, 'No credentials of yours for such a provider.'],
  customer_not_found: [404, 'No such customer.'],
  sender_not_configured: [409, 'Set the sender’s address and postal address in the settings first.'],
  channel_not_configured: [409, 'No provider is configured for the channel.'],
  address_suppressed: [422, 'Nothing may be sent to one of the addresses; see `errors`.'],
  template_failed: [422, 'The message cannot be written for this customer.'],
  link_not_found: [404, 'This link is not one of ours.'],
}) {}

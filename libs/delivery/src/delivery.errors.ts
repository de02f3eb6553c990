import { domainError } from '#kernel';

export class DeliveryError extends domainError({
  campaign_not_found: [404, 'No such campaign.'],
  delivery_not_found: [404, 'No such delivery of this campaign.'],
  invalid_state: [409, 'Only a delivery whose outcome is unknown can be settled.'],
  channel_not_found: [404, 'No credentials of yours for such a provider.'],
  link_not_found: [404, 'This link is not one of ours.'],
}) {}

import { domainError } from '#kernel';

export class CampaignError extends domainError({
  campaign_not_found: [404, 'No such campaign.'],
  segment_not_found: [404, 'The campaign names a segment that does not exist.'],
  invalid_state: [409, 'The campaign’s state does not allow this.'],
  sender_not_configured: [409, 'Set the sender’s address and postal address in the settings first.'],
  channel_not_configured: [409, 'The deployment has no provider for one of the campaign’s channels.'],
  promo_used_up: [409, 'The promo that the campaign announces is used up, and its stop rules say to stop then.'],
  segment_too_large: [422, 'The segment exceeds the maximum size of a channel; see `errors`.'],
}) {}

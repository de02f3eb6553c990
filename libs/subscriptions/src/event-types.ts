/** What integrators can be told of, in the order of the documentation. */
export const EVENT_TYPES = [
  'campaign.started',
  'campaign.paused',
  'campaign.resumed',
  'campaign.completed',
  'campaign.canceled',
  'delivery.bounced',
  'delivery.complained',
  'customer.unsubscribed',
  'segment.entered',
  'segment.exited',
  'promo.redeemed',
  'promo.rolled_back',
] as const;

export type EventName = (typeof EVENT_TYPES)[number];

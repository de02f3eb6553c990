import type { Type } from '@nestjs/common';
import { BouncedEventDataDto, CampaignEventDataDto, ComplainedEventDataDto, RedeemedEventDataDto, RolledBackEventDataDto, SegmentEventDataDto, UnsubscribedEventDataDto } from './dto/event-data.dto.js';
import type { EventName } from './event-types.js';

interface Entry {
  summary: string;
  description: string;
  data: Type;
  example: object;
}

const CAMPAIGN = { campaign_id: 'camp_01kzv3q6x0w9m2h7c4t8r5e1nd', name: 'Flash Sale', status: 'active', reason: null };
const DELIVERY = { customer_id: 'guest-42', delivery_id: 'dlv_00000800000800000ea80', campaign_id: CAMPAIGN.campaign_id, channel: 'email', at: '2026-01-24T18:30:00.000Z' };
const MOVED = { segment_id: 'seg_loyalty_gold', customers: [{ customer_id: 'guest-42' }, { customer_id: 'guest-43' }] };
const ROLLED_BACK = { redemption_id: 'red_01kzv3q6x0w9m2h7c4t8r5e1nd', promo_id: 'promo_01kzv3q6x0w9m2h7c4t8r5e1nd', promo_code: 'FLASH25', order_id: 'order-4711' };

/** The events, as the OpenAPI document describes them. */
export const EVENT_CATALOGUE: Readonly<Record<EventName, Entry>> = {
  'campaign.started': { summary: 'A campaign was started', description: 'By somebody, or by its schedule.', data: CampaignEventDataDto, example: CAMPAIGN },
  'campaign.paused': {
    summary: 'A campaign was paused',
    description: 'By a user, or by us with the `reason`: one of the campaign’s stop rules applied, or something that it needs for sending is missing.',
    data: CampaignEventDataDto,
    example: { ...CAMPAIGN, status: 'paused', reason: { code: 'sender_not_configured', detail: 'The settings lack sender.from_email.' } },
  },
  'campaign.resumed': { summary: 'A paused campaign goes on', description: 'By somebody.', data: CampaignEventDataDto, example: CAMPAIGN },
  'campaign.completed': { summary: 'A campaign has reached its end', description: 'Every recipient is accounted for: its report is whole, but for what customers still do.', data: CampaignEventDataDto, example: { ...CAMPAIGN, status: 'completed' } },
  'campaign.canceled': { summary: 'A campaign was canceled', description: 'Nothing more of it is sent.', data: CampaignEventDataDto, example: { ...CAMPAIGN, status: 'completed' } },
  'delivery.bounced': {
    summary: 'Messages bounced',
    description: 'Reported by the providers after they had accepted the messages. Each message bounces once, however often that is reported.',
    data: BouncedEventDataDto,
    example: { deliveries: [{ ...DELIVERY, permanent: true }] },
  },
  'delivery.complained': { summary: 'Recipients called messages spam', description: 'Nothing more is sent to their addresses.', data: ComplainedEventDataDto, example: { deliveries: [DELIVERY] } },
  'customer.unsubscribed': {
    summary: 'Customers unsubscribed',
    description: 'By a link, a text message, a provider’s report, an import or the API. Customers who were already unsubscribed from the channel are not reported again.',
    data: UnsubscribedEventDataDto,
    example: { customers: [{ customer_id: 'guest-42', channel: 'email', at: '2026-01-24T18:30:00.000Z' }] },
  },
  'segment.entered': { summary: 'Customers entered a segment', description: 'When it was computed, imported or changed by hand.', data: SegmentEventDataDto, example: MOVED },
  'segment.exited': { summary: 'Customers left a segment', description: 'When it was computed or changed by hand.', data: SegmentEventDataDto, example: MOVED },
  'promo.redeemed': { summary: 'A promo code was redeemed', description: 'One message for each code of an order.', data: RedeemedEventDataDto, example: { ...ROLLED_BACK, customer_id: 'guest-42', order_total: 36.75, currency: 'USD' } },
  'promo.rolled_back': { summary: 'A redemption was taken back', description: 'The use and the budget that it took are available again.', data: RolledBackEventDataDto, example: ROLLED_BACK },
};

/** The classes that the document needs beyond those of the routes. */
export const EVENT_MODELS: readonly Type[] = [...new Set(Object.values(EVENT_CATALOGUE).map(({ data }) => data))];

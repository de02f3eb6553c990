import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { Deliveries } from './deliveries.service.js';
import { DeliveryError } from './delivery.errors.js';
import { encodeDeliveryId } from './delivery-id.js';
import { DeliveryDto, DeliveryPageDto } from './dto/delivery.dto.js';
import { ListDeliveriesDto } from './dto/list-deliveries.dto.js';

const ID = encodeDeliveryId({ tenantId: 1, campaignNo: 1, customerNo: 1842, channel: 'email' });

const DELIVERY = {
  id: ID,
  customer_id: 'cust_1842',
  channel: 'email',
  status: 'accepted',
  reason: null,
  attempts: 1,
  variant: null,
  promo_code: null,
  provider: 'smtp',
  provider_message_id: `<${ID}@example.com>`,
  accepted_at: '2026-01-31T12:00:03.120Z',
  delivered_at: '2026-01-31T12:00:03.120Z',
  opened_at: '2026-01-31T12:41:10.000Z',
  machine_opened_at: null,
  clicked_at: null,
  bounced_at: null,
  failed_at: null,
  complained_at: null,
  unsubscribed_at: null,
  converted_at: null,
};

const UNSETTLED = { accepted_at: null, delivered_at: null, opened_at: null, provider_message_id: null };

@ApiTags('Campaigns')
@Controller('campaigns/:campaign_id/deliveries')
export class DeliveriesController {
  constructor(private readonly deliveries: Deliveries) {}

  @Get()
  @Route({
    allow: 'campaigns:read',
    summary: 'List who a campaign went to',
    description: 'The recipient ledger: one row per customer and channel, with the reason if somebody did not get the message.',
    returns: DeliveryPageDto,
    example: { data: [DELIVERY], meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null } },
    errors: [DeliveryError.only('campaign_not_found')],
  })
  listDeliveries(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Query() query: ListDeliveriesDto) {
    return this.deliveries.list(tenant, campaignId, query);
  }

  @Post(':delivery_id/resend')
  @Route({
    allow: 'campaigns:write',
    summary: 'Send an unknown delivery again',
    description: 'For a delivery whose outcome is unknown, if you know that it did not arrive. It is sent once more; if it did arrive after all, the customer gets it twice. If the campaign has ended and the message cannot be sent now, it becomes `unknown` again, with the reason.',
    returns: DeliveryDto,
    example: { ...DELIVERY, ...UNSETTLED, status: 'pending' },
    errors: [DeliveryError.only('campaign_not_found', 'delivery_not_found', 'invalid_state')],
  })
  resendDelivery(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Param('delivery_id') deliveryId: string) {
    return this.deliveries.resend(tenant, campaignId, deliveryId);
  }

  @Post(':delivery_id/give-up')
  @Route({
    allow: 'campaigns:write',
    summary: 'Give up an unknown delivery',
    description: 'Settles it as `rejected` with the reason `given_up`. This also works for a resend that still waits after the campaign has ended. A later receipt from the provider still corrects it.',
    returns: DeliveryDto,
    example: { ...DELIVERY, ...UNSETTLED, status: 'rejected', reason: 'given_up' },
    errors: [DeliveryError.only('campaign_not_found', 'delivery_not_found', 'invalid_state')],
  })
  giveUpDelivery(@CurrentTenant() tenant: Tenant, @Param('campaign_id') campaignId: string, @Param('delivery_id') deliveryId: string) {
    return this.deliveries.giveUp(tenant, campaignId, deliveryId);
  }
}

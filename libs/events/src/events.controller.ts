import { Body, Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { MEBIBYTE, Route } from '#http';
import type { Tenant } from '#kernel';
import { EventsRecordedDto } from './dto/events-recorded.dto.js';
import { RecordEventsDto } from './dto/record-events.dto.js';
import { EventsService } from './events.service.js';

const EXAMPLE = {
  events: [
    { id: 'evt_1', type: 'menu_viewed', customer_id: 'cust_1001', occurred_at: '2026-01-24T18:20:00Z', properties: { source: 'qr_code' } },
    {
      id: 'evt_2',
      type: 'order_completed',
      customer_id: 'cust_1001',
      occurred_at: '2026-01-24T18:30:00Z',
      order: { id: 'order_5001', total: 24.5, items: [{ product_id: 'margherita', quantity: 1, unit_price: 24.5 }], promo_code: 'WELCOME20', channel: 'web' },
    },
    { id: 'evt_3', type: 'order_refunded', customer_id: 'cust_1001', occurred_at: '2026-01-25T09:00:00Z', order: { id: 'order_5001', amount: 4.5 } },
  ],
};

@ApiTags('Events')
@Controller('events')
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @Post()
  @Route({
    allow: 'events:write',
    status: 202,
    summary: 'Record events',
    description:
      'What customers did: up to 1,000 events at once, 5 MiB. An event id counts once for ever, an order id counts once whatever the event. A refund that comes before its order is kept and counted when the order comes. Bad events are reported, the others are kept.',
    returns: EventsRecordedDto,
    example: { accepted: 3, duplicates: 0, rejected: [] },
    bodies: { visit_order_refund: EXAMPLE },
    batch: 'events',
    bodyLimit: 5 * MEBIBYTE,
    idempotent: true,
  })
  recordEvents(@CurrentTenant() tenant: Tenant, @Body() batch: RecordEventsDto) {
    return this.events.record(tenant, batch.events);
  }
}

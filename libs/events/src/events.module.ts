import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { SegmentsModule } from '#segments';
import { EventCriteria } from './event-criteria.js';
import { EventMonths } from './event-months.js';
import { EventsController } from './events.controller.js';
import { Events } from './events.js';
import { EventsService } from './events.service.js';
import { OrderBook } from './order-book.js';

@Module({
  imports: [CustomersModule, SegmentsModule],
  controllers: [EventsController],
  providers: [EventCriteria, EventMonths, Events, EventsService, OrderBook],
  exports: [Events],
})
export class EventsModule {}

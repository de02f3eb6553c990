import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { EventMonths } from './event-months.js';
import { EventsController } from './events.controller.js';
import { Events } from './events.js';
import { EventsService } from './events.service.js';
import { OrderBook } from './order-book.js';

@Module({
  imports: [CustomersModule],
  controllers: [EventsController],
  providers: [EventMonths, Events, EventsService, OrderBook],
  exports: [Events],
})
export class EventsModule {}

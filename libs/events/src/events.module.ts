import { Module, type OnModuleInit } from '@nestjs/common';
import { CustomersModule, PersonalData } from '#customers';
import { SegmentsModule } from '#segments';
import { EventCriteria } from './event-criteria.js';
import { EventData } from './event-data.js';
import { EventMonths } from './event-months.js';
import { EventsController } from './events.controller.js';
import { Events } from './events.js';
import { EventsService } from './events.service.js';
import { OrderBook } from './order-book.js';

@Module({
  imports: [CustomersModule, SegmentsModule],
  controllers: [EventsController],
  providers: [EventCriteria, EventData, EventMonths, Events, EventsService, OrderBook],
  exports: [Events],
})
export class EventsModule implements OnModuleInit {
  constructor(
    private readonly data: EventData,
    private readonly personalData: PersonalData,
  ) {}

  onModuleInit(): void {
    this.personalData.register(this.data);
  }
}

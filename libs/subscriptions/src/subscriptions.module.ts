import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { PromosModule } from '#promos';
import { Announcements } from './announcements.js';
import { Courier } from './courier.js';
import { Dispatch } from './dispatch.js';
import { EventAttempts } from './event-attempts.service.js';
import { EventSubscriptionsController } from './event-subscriptions.controller.js';
import { EventSubscriptions } from './event-subscriptions.service.js';
import { Interest } from './interest.js';
import { Outbox } from './outbox.js';
import { OutgoingData } from './outgoing-data.js';
import { Poster } from './poster.js';

@Module({
  imports: [CustomersModule, PromosModule],
  controllers: [EventSubscriptionsController],
  providers: [Announcements, Courier, Dispatch, EventAttempts, EventSubscriptions, Interest, Outbox, OutgoingData, Poster],
})
export class SubscriptionsModule {}

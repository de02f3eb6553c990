import { Module } from '@nestjs/common';
import { EventSubscriptionsController } from './event-subscriptions.controller.js';
import { EventSubscriptions } from './event-subscriptions.service.js';
import { Interest } from './interest.js';

@Module({
  controllers: [EventSubscriptionsController],
  providers: [EventSubscriptions, Interest],
})
export class SubscriptionsModule {}

import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { EventsModule } from '#events';
import { SegmentsModule } from '#segments';
import { Channels } from './channels/channels.js';
import { Delivery } from './delivery.service.js';
import { Outcomes } from './outcomes.js';
import { Preparation } from './preparation.js';
import { Receipts } from './receipts.js';
import { Sender } from './sender.js';
import { Snapshot } from './snapshot.js';
import { TrackingTokens } from './tracking-token.js';

@Module({
  imports: [CustomersModule, SegmentsModule, EventsModule],
  providers: [Delivery, Snapshot, Sender, Channels, Preparation, Outcomes, Receipts, TrackingTokens],
  exports: [Delivery],
})
export class DeliveryModule {}

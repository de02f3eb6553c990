import { Module } from '@nestjs/common';
import { SegmentsModule } from '#segments';
import { Delivery } from './delivery.service.js';
import { Receipts } from './receipts.js';
import { Snapshot } from './snapshot.js';

@Module({
  imports: [SegmentsModule],
  providers: [Delivery, Receipts, Snapshot],
  exports: [Delivery],
})
export class DeliveryModule {}

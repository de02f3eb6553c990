import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { EventsModule } from '#events';
import { PromosModule } from '#promos';
import { SegmentsModule } from '#segments';
import { AbTests } from './ab-tests.js';
import { Arrivals } from './arrivals.js';
import { Attribution } from './attribution.js';
import { CampaignFields } from './campaign-fields.js';
import { ChannelCredentials } from './channel-credentials.js';
import { Channels } from './channels/channels.js';
import { Paces } from './channels/paces.js';
import { ChannelsController } from './channels.controller.js';
import { Batches } from './batches.js';
import { Contacts } from './contacts.js';
import { DeliveriesController } from './deliveries.controller.js';
import { Deliveries } from './deliveries.service.js';
import { DeliveryPersonalData } from './delivery-personal-data.js';
import { Delivery } from './delivery.service.js';
import { DraftWriter } from './draft-writer.js';
import { GiveWay } from './give-way.js';
import { Outcomes } from './outcomes.js';
import { Preparation } from './preparation.js';
import { Readiness } from './readiness.js';
import { ReceiptMatcher } from './receipt-matcher.js';
import { Receipts } from './receipts.js';
import { ReturnedMessages } from './returned-messages.js';
import { Preflight } from './preflight.js';
import { Rehearsal } from './rehearsal.js';
import { ReportsController } from './reports.controller.js';
import { Reports } from './reports.service.js';
import { Sender } from './sender.js';
import { Snapshot } from './snapshot.js';
import { StopRuling } from './stop-rules.js';
import { Stops } from './stops.js';
import { TrackingController } from './tracking.controller.js';
import { Tracking } from './tracking.service.js';
import { ToldCodes } from './told-codes.js';
import { TrackingTokens } from './tracking-token.js';
import { NumberDirectory } from './number-directory.js';
import { Turns } from './turns.js';
import { Upkeep } from './upkeep.js';
import { Writers } from './writers.js';

@Module({
  imports: [CustomersModule, SegmentsModule, EventsModule, PromosModule],
  controllers: [DeliveriesController, ReportsController, ChannelsController, TrackingController],
  providers: [Delivery, Deliveries, Snapshot, Arrivals, Rehearsal, DraftWriter, Preflight, Sender, NumberDirectory, Batches, Turns, Upkeep, AbTests, Reports, Stops, StopRuling, GiveWay, Channels, Paces, ChannelCredentials, Preparation, Readiness, Contacts, Writers, Outcomes, Receipts, ReceiptMatcher, ReturnedMessages, Attribution, Tracking, TrackingTokens, CampaignFields, DeliveryPersonalData, ToldCodes],
  exports: [Delivery, Rehearsal, Preflight],
})
export class DeliveryModule {}

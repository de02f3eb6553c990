import { Module } from '@nestjs/common';
import { CustomersModule } from '#customers';
import { DeliveryModule } from '#delivery';
import { ConnectionsService } from './connections.service.js';
import { EventEffects } from './event-effects.js';
import { EventReplays } from './event-replays.js';
import { EventTenants } from './event-tenants.js';
import { EventsService } from './events.service.js';
import { HubSpotContacts } from './hubspot-contacts.js';
import { InboxRetention } from './inbox-retention.js';
import { InboxWorker } from './inbox-worker.js';
import { Inbox } from './inbox.js';
import { IntakeController } from './intake.controller.js';
import { IntakeService } from './intake.service.js';
import { KnownContacts } from './known-contacts.js';
import { People } from './people.js';
import { Senders } from './senders.js';
import { SentData } from './sent-data.js';
import { WebhooksController } from './webhooks.controller.js';

@Module({
  imports: [CustomersModule, DeliveryModule],
  controllers: [WebhooksController, IntakeController],
  providers: [ConnectionsService, EventEffects, EventReplays, EventTenants, EventsService, HubSpotContacts, Inbox, InboxRetention, InboxWorker, IntakeService, KnownContacts, People, SentData, Senders],
})
export class WebhooksModule {}

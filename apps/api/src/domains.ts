import type { Type } from '@nestjs/common';
import { CampaignsModule } from '#campaigns';
import { CustomersModule } from '#customers';
import { DeliveryModule } from '#delivery';
import { EventsModule } from '#events';
import { FunnelsModule } from '#funnels';
import { PromosModule } from '#promos';
import { SegmentsModule } from '#segments';
import { SubscriptionsModule } from '#subscriptions';
import { TenantsModule } from '#tenants';
import { WebhooksModule } from '#webhooks';

/** Every domain of the product. The api serves their routes, the worker runs their jobs; both register all of them, since only registered queues exist. */
export const DOMAINS: readonly Type[] = [TenantsModule, CustomersModule, SegmentsModule, EventsModule, PromosModule, DeliveryModule, FunnelsModule, CampaignsModule, WebhooksModule, SubscriptionsModule];

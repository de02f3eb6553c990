import { Module, OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DeliveryModule } from '#delivery';
import { PromosModule } from '#promos';
import { SegmentsModule, SegmentUse } from '#segments';
import { CampaignChecks } from './campaign-checks.js';
import { CampaignEditor } from './campaign-editor.js';
import { CampaignEntity } from './campaign.entity.js';
import { CampaignLifecycle } from './campaign-lifecycle.js';
import { CampaignRehearsal } from './campaign-rehearsal.js';
import { CampaignRehearsalController } from './campaign-rehearsal.controller.js';
import { CampaignScheduler } from './campaign-scheduler.js';
import { CampaignStore } from './campaign-store.js';
import { CampaignsController } from './campaigns.controller.js';
import { CampaignsService } from './campaigns.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([CampaignEntity]), SegmentsModule, PromosModule, DeliveryModule],
  controllers: [CampaignsController, CampaignRehearsalController],
  providers: [CampaignsService, CampaignLifecycle, CampaignRehearsal, CampaignScheduler, CampaignEditor, CampaignChecks, CampaignStore],
})
export class CampaignsModule implements OnModuleInit {
  constructor(
    private readonly uses: SegmentUse,
    private readonly store: CampaignStore,
  ) {}

  onModuleInit(): void {
    this.uses.register((tx, tenant, segmentNo) => this.store.segmentUse(tx, tenant, segmentNo));
  }
}

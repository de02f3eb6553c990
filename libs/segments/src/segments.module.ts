import { Module, type OnModuleInit } from '@nestjs/common';
import { CustomersModule, PersonalData } from '#customers';
import { Clock } from '#kernel';
import { SettingsService, Tenants } from '#tenants';
import { CriteriaFields } from './criteria-fields.js';
import { DynamicSegments } from './dynamic-segments.js';
import { FieldValues } from './field-values.js';
import { Membership } from './membership.js';
import { Reconciliation } from './reconciliation.js';
import { SegmentExport } from './segment-export.js';
import { SegmentFieldsController } from './segment-fields.controller.js';
import { SegmentHistory } from './segment-history.js';
import { SegmentInput } from './segment-input.js';
import { SegmentInsightsController } from './segment-insights.controller.js';
import { SegmentMembersController } from './segment-members.controller.js';
import { SegmentMembersService } from './segment-members.service.js';
import { SegmentOverlap } from './segment-overlap.js';
import { SegmentPreview } from './segment-preview.js';
import { SegmentRepairs } from './segment-repairs.js';
import { SegmentSizes } from './segment-sizes.js';
import { SegmentSweeps } from './segment-sweeps.js';
import { SegmentUse } from './segment-use.js';
import { Segments } from './segments.js';
import { SegmentsController } from './segments.controller.js';
import { SEGMENTS_OF } from './segments.queries.js';
import { SegmentsService } from './segments.service.js';
import { SettingsChanges } from './settings-changes.js';
import { provisionWellKnown } from './well-known-segments.js';

@Module({
  imports: [CustomersModule],
  controllers: [SegmentsController, SegmentFieldsController, SegmentInsightsController, SegmentMembersController],
  providers: [Segments, SegmentUse, CriteriaFields, Membership, DynamicSegments, Reconciliation, SegmentRepairs, SegmentSizes, SegmentInput, SegmentPreview, SegmentOverlap, SegmentHistory, SegmentExport, FieldValues, SegmentMembersService, SegmentsService, SegmentSweeps, SettingsChanges],
  exports: [Segments, SegmentUse, CriteriaFields],
})
export class SegmentsModule implements OnModuleInit {
  constructor(
    private readonly tenants: Tenants,
    private readonly settings: SettingsService,
    private readonly settingsChanges: SettingsChanges,
    private readonly personalData: PersonalData,
    private readonly members: SegmentMembersService,
    private readonly sizes: SegmentSizes,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.tenants.onProvision((tx, tenant) => provisionWellKnown(tx, tenant, this.clock.now()));
    this.settings.onChange((tx, tenant, before, after) => this.settingsChanges.follow(tx, tenant, before, after));
    this.personalData.register({
      name: 'segments',
      timelines: {}, // membership keeps no instants
      export: (tx, tenant, customerNo) => tx.query(SEGMENTS_OF, [tenant.id, customerNo]),
      erase: (tx, tenant, customerNo) => this.sizes.forget(tx, tenant, customerNo),
      merge: (tx, tenant, from, into) => this.members.merge(tx, tenant, from, into),
    });
  }
}

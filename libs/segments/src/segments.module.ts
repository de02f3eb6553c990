import { Module } from '@nestjs/common';
import { CriteriaFields } from './criteria-fields.js';
import { SegmentUse } from './segment-use.js';
import { Segments } from './segments.js';

@Module({
  providers: [Segments, SegmentUse, CriteriaFields],
  exports: [Segments, SegmentUse, CriteriaFields],
})
export class SegmentsModule {}

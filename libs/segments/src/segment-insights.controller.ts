import { Body, Controller, Get, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { Caller, CurrentTenant, type Principal } from '#auth';
import { Route } from '#http';
import type { Tenant } from '#kernel';
import { CRITERIA_BODY } from './criteria.limits.js';
import { SegmentHistoryDto, SegmentHistoryQueryDto } from './dto/segment-history.dto.js';
import { CompareSegmentsDto, SegmentOverlapDto } from './dto/segment-overlap.dto.js';
import { SegmentPreviewDto } from './dto/segment-preview.dto.js';
import { PreviewSegmentDto } from './dto/write-segment.dto.js';
import { SegmentExport } from './segment-export.js';
import { SegmentHistory } from './segment-history.js';
import { SegmentOverlap } from './segment-overlap.js';
import { SegmentPreview } from './segment-preview.js';
import { EVENT_CRITERIA, EXPORT, HIGH_VALUE, HISTORY, OVERLAP, PREVIEW } from './segments.examples.js';
import { SegmentError } from './segment.errors.js';

@ApiTags('Segments')
@Controller('segments')
export class SegmentInsightsController {
  constructor(
    private readonly previews: SegmentPreview,
    private readonly overlaps: SegmentOverlap,
    private readonly histories: SegmentHistory,
    private readonly exports: SegmentExport,
  ) {}

  @Post('preview')
  @ApiBody({ type: PreviewSegmentDto })
  @Route({
    allow: 'segments:read',
    summary: 'Preview criteria',
    description: 'How many customers match now, up to ten of them, and with `breakdown` how many have which values of up to three fields. Nothing is kept. The body may take 64 KiB, the criteria in it 16 KiB.',
    returns: SegmentPreviewDto,
    example: PREVIEW,
    bodies: { high_value: { criteria: HIGH_VALUE.criteria, breakdown: ['loyalty_tier', 'city'] }, event: { criteria: EVENT_CRITERIA.criteria } },
    ...CRITERIA_BODY,
    errors: [SegmentError.only('invalid_segment_criteria')],
  })
  previewSegment(@CurrentTenant() tenant: Tenant, @Body() body: unknown) {
    return this.previews.preview(tenant, body);
  }

  @Post('overlap')
  @Route({
    allow: 'segments:read',
    summary: 'Compare segments',
    description: 'How two to five segments overlap, counted now: the size of every combination, and of their union.',
    returns: SegmentOverlapDto,
    example: OVERLAP,
    ...CRITERIA_BODY,
    bodies: { two: { segment_ids: ['seg_loyalty_gold', 'seg_inactive_30'] } },
  })
  compareSegments(@CurrentTenant() tenant: Tenant, @Body() { segment_ids }: CompareSegmentsDto) {
    return this.overlaps.of(tenant, segment_ids);
  }

  @Get(':segment_id/history')
  @Route({
    allow: 'segments:read',
    summary: 'Get a segment’s growth',
    description: 'Size, entries and exits by day of the tenant’s zone, a row for every day since the segment was made. Up to 366 days; the last 30 when none are named.',
    returns: SegmentHistoryDto,
    example: HISTORY,
    errors: [SegmentError.only('segment_not_found')],
  })
  getSegmentHistory(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Query() query: SegmentHistoryQueryDto) {
    return this.histories.byDay(tenant, segmentId, query);
  }

  @Get(':segment_id/export')
  @Route({
    allow: 'customers:read',
    summary: 'Export a segment’s members',
    description: 'A CSV file with the columns that `POST /customers/import` takes, streamed; imported as it is, it gives the same customers. Attributes are not in it, for their names are without number, nor are push subscriptions: `GET /customers/{customer_id}` tells them. A cell that a spreadsheet would take for a formula, such as a phone number with its `+`, has a `\'` before it, which an import takes away. Kept in the audit log.',
    produces: 'text/csv',
    headers: ['Content-Disposition'],
    example: EXPORT,
    errors: [SegmentError.only('segment_not_found')],
  })
  async exportSegment(@Caller() caller: Principal, @Param('segment_id') segmentId: string) {
    return new StreamableFile(await this.exports.csv(caller, segmentId), { type: 'text/csv; charset=utf-8', disposition: `attachment; filename="${segmentId}.csv"` });
  }
}

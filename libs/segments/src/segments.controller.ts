import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { IfMatch, Route, type Versions } from '#http';
import type { Tenant } from '#kernel';
import { CRITERIA_BODY } from './criteria.limits.js';
import { SegmentDto, SegmentPageDto } from './dto/segment.dto.js';
import { CreateSegmentDto, SegmentListQueryDto, UpdateSegmentDto } from './dto/write-segment.dto.js';
import { EVENT_CRITERIA, HIGH_VALUE, PAGE, SEGMENT } from './segments.examples.js';
import { SegmentError } from './segment.errors.js';
import { SegmentsService } from './segments.service.js';

@ApiTags('Segments')
@Controller('segments')
export class SegmentsController {
  constructor(private readonly segments: SegmentsService) {}

  @Get()
  @Route({
    allow: 'segments:read',
    summary: 'List segments',
    description: 'Newest first. `size` is of the membership as it is kept, and costs nothing to read.',
    returns: SegmentPageDto,
    example: PAGE,
  })
  listSegments(@CurrentTenant() tenant: Tenant, @Query() query: SegmentListQueryDto) {
    return this.segments.list(tenant, query);
  }

  @Post()
  @ApiBody({ type: CreateSegmentDto })
  @Route({
    allow: 'segments:write',
    status: 201,
    summary: 'Create a segment',
    description: 'A dynamic segment has its members when this answers; for a tenant of more than 300,000 customers a job computes them, and `last_updated` is absent until it has. The body may take 64 KiB, the criteria in it 16 KiB.',
    returns: SegmentDto,
    versioned: true,
    example: SEGMENT,
    bodies: { dynamic: HIGH_VALUE, event: EVENT_CRITERIA, static: { name: 'Friends of the house', type: 'static' }, imported: { name: 'Newsletter 2025', type: 'imported' } },
    ...CRITERIA_BODY,
    errors: [SegmentError.only('invalid_segment_criteria')],
    idempotent: true,
  })
  createSegment(@CurrentTenant() tenant: Tenant, @Body() body: unknown) {
    return this.segments.create(tenant, body);
  }

  @Get(':segment_id')
  @Route({ allow: 'segments:read', summary: 'Get a segment', description: 'With the size of its membership.', returns: SegmentDto, versioned: true, example: SEGMENT, errors: [SegmentError.only('segment_not_found')] })
  getSegment(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string) {
    return this.segments.get(tenant, segmentId);
  }

  @Patch(':segment_id')
  @ApiBody({ type: UpdateSegmentDto })
  @Route({
    allow: 'segments:write',
    summary: 'Change a segment',
    description: 'A merge patch of name, description and criteria; new criteria replace the old ones whole, and the members are computed anew. Those of `seg_all_customers` stay as they are: 409 `invalid_state`. The body may take 64 KiB, the criteria in it 16 KiB.',
    returns: SegmentDto,
    versioned: true,
    example: SEGMENT,
    bodies: { rename: { name: 'Best Customers' }, criteria: { criteria: { total_spent: { gte: 1000 } } } },
    ...CRITERIA_BODY,
    errors: [SegmentError.only('invalid_segment_criteria', 'segment_not_found', 'invalid_state')],
    conditional: true,
  })
  updateSegment(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Body() body: unknown, @IfMatch() ifMatch?: Versions) {
    return this.segments.update(tenant, segmentId, body, ifMatch);
  }

  @Delete(':segment_id')
  @Route({
    allow: 'segments:write',
    status: 204,
    summary: 'Delete a segment',
    description: 'Refused while a scheduled or active campaign, or another segment, needs it; the four segments that every tenant has stay.',
    errors: [SegmentError.only('segment_not_found', 'invalid_state')],
    conditional: true,
  })
  deleteSegment(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @IfMatch() ifMatch?: Versions) {
    return this.segments.remove(tenant, segmentId, ifMatch);
  }

  @Post(':segment_id/refresh')
  @Route({
    allow: 'segments:write',
    summary: 'Compute a dynamic segment now',
    description: 'Members follow by themselves within seconds; this does not wait for it. 409 `invalid_state` for another type, and for criteria that can no longer be read.',
    returns: SegmentDto,
    versioned: true,
    example: SEGMENT,
    errors: [SegmentError.only('segment_not_found', 'invalid_state')],
  })
  refreshSegment(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string) {
    return this.segments.refresh(tenant, segmentId);
  }
}

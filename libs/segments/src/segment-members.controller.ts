import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentTenant } from '#auth';
import { csvBody, ImportDto, ImportQuery } from '#customers';
import { PageQueryDto, Route } from '#http';
import type { Tenant } from '#kernel';
import { AddedSegmentMembersDto, AddSegmentMembersDto, SegmentMemberPageDto } from './dto/segment-member.dto.js';
import { SegmentMembersService } from './segment-members.service.js';
import { MEMBERS_PAGE, QUEUED_IMPORT } from './segments.examples.js';
import { SegmentError } from './segment.errors.js';

@ApiTags('Segments')
@Controller('segments/:segment_id')
export class SegmentMembersController {
  constructor(private readonly members: SegmentMembersService) {}

  @Get('members')
  @Route({
    allow: 'segments:read',
    summary: 'List a segment’s members',
    description: 'About in the order in which the customers became known, and always in the same.',
    returns: SegmentMemberPageDto,
    example: MEMBERS_PAGE,
    errors: [SegmentError.only('segment_not_found')],
  })
  listSegmentMembers(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Query() query: PageQueryDto) {
    return this.members.list(tenant, segmentId, query);
  }

  @Post('members')
  @Route({
    allow: 'segments:write',
    summary: 'Add members to a static segment',
    description: 'By the caller’s own customer ids, up to 10,000; ids that no customer has are named in the answer and change nothing.',
    returns: AddedSegmentMembersDto,
    example: { added: 2, already: 1, unknown: ['cust_9999'] },
    bodies: { members: { customer_ids: ['cust_1001', 'cust_1002', 'cust_1003', 'cust_9999'] } },
    errors: [SegmentError.only('segment_not_found', 'invalid_state')],
  })
  addSegmentMembers(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Body() body: AddSegmentMembersDto) {
    return this.members.add(tenant, segmentId, body.customer_ids);
  }

  @Delete('members/:customer_id')
  @Route({
    allow: 'segments:write',
    status: 204,
    summary: 'Remove a member from a static segment',
    description: 'The customer remains, the membership ends.',
    errors: [SegmentError.only('segment_not_found', 'segment_member_not_found', 'invalid_state')],
  })
  removeSegmentMember(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Param('customer_id') customerId: string) {
    return this.members.remove(tenant, segmentId, customerId);
  }

  @Post('import')
  @ImportQuery()
  @Route({
    allow: 'segments:write',
    status: 202,
    summary: 'Import members from a file',
    description: 'A CSV file as for `POST /customers/import`: its rows become customers, and members of this segment of type `imported`. A rejected row is neither; a file that is no CSV, be it for one stray quote, is refused as a whole. Follow it at `GET /imports/{import_id}`.',
    consumes: 'text/csv',
    bodies: { members: 'customer_id\nguest-1\nguest-2\n' },
    returns: ImportDto,
    example: QUEUED_IMPORT,
    errors: [SegmentError.only('segment_not_found', 'invalid_state')],
    idempotent: true,
  })
  importSegmentMembers(@CurrentTenant() tenant: Tenant, @Param('segment_id') segmentId: string, @Req() request: FastifyRequest) {
    return this.members.import(tenant, segmentId, csvBody(request));
  }
}

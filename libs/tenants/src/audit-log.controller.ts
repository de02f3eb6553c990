import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant } from '#auth';
import { PageQueryDto, Route } from '#http';
import type { Tenant } from '#kernel';
import { AuditLog } from './audit-log.service.js';
import { AuditLogDto } from './dto/audit-log.dto.js';

@ApiTags('Settings')
@Controller('audit-log')
export class AuditLogController {
  constructor(private readonly auditLog: AuditLog) {}

  @Get()
  @Route({
    allow: 'audit:read',
    summary: 'Read the audit log',
    description: 'Changes of settings and credentials, erasures, and every request that a platform role made for this tenant; newest first.',
    returns: AuditLogDto,
    example: {
      data: [{ id: '42', at: '2026-01-24T18:30:00.000Z', actor: 'user_1', action: 'settings.updated', detail: { patch: { timezone: 'Europe/Berlin' } } }],
      meta: { page: 1, limit: 20, total: 1, total_relation: 'eq', has_more: false, next_cursor: null },
    },
  })
  getAuditLog(@CurrentTenant() tenant: Tenant, @Query() query: PageQueryDto) {
    return this.auditLog.list(tenant, query);
  }
}

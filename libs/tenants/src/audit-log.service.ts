import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedTotal, Database, readBoundedTotal } from '#database';
import { type Paged, type PageRequest, pageWindow, type Tenant, toPage } from '#kernel';
import { AuditEntryDto } from './dto/audit-log.dto.js';

type Row = Parameters<typeof AuditEntryDto.from>[0];
type Key = readonly [id: string];

const isKey = ([id]: unknown[]): boolean => typeof id === 'string' && /^\d{1,18}$/.test(id);

/** Records who did what. The table's grants make it append-only. */
@Injectable()
export class AuditLog {
  constructor(private readonly database: Database) {}

  /** Call in the transaction of what is recorded. */
  async add(tx: EntityManager, tenant: Tenant, actor: string, action: string, detail: object): Promise<void> {
    await tx.query('INSERT INTO audit_log (tenant_id, actor, action, detail) VALUES ($1, $2, $3, $4)', [tenant.id, actor, action, JSON.stringify(detail)]);
  }

  /** Newest first. */
  async list(tenant: Tenant, request: PageRequest): Promise<Paged<AuditEntryDto>> {
    const window = pageWindow<Key>(request, 'audit-log', isKey);
    const [rows, [count]] = await this.database.read<[Row[], { total: number }[]]>(
      tenant,
      {
        text: `SELECT id, at, actor, action, detail FROM audit_log WHERE tenant_id = $1 AND id < coalesce($2::bigint, 9223372036854775807)
               ORDER BY id DESC LIMIT $3 OFFSET $4`,
        values: [tenant.id, window.after?.[0] ?? null, window.limit + 1, window.offset],
      },
      { text: boundedTotal('FROM audit_log WHERE tenant_id = $1'), values: [tenant.id] },
    );
    return toPage(rows, window, readBoundedTotal(count!.total), (row) => AuditEntryDto.from(row), (row) => [row.id]);
  }
}

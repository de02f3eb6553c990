import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import { Jobs } from '#jobs';
import { Tenants } from './tenants.service.js';

/** Deletes the answers kept for Idempotency-Keys after 24 hours. */
@Injectable()
export class KeptKeysSweep implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly tenants: Tenants,
  ) {}

  onModuleInit(): void {
    this.jobs.every(3600, 'idempotency-keys', async () => {
      for await (const tenant of this.tenants.all()) {
        await this.database.inTenant(tenant, (tx) =>
          tx.query(`DELETE FROM idempotency_keys WHERE tenant_id = $1 AND created_at < now() - interval '24 hours'`, [tenant.id]),
        );
      }
    });
  }
}

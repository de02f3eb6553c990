import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { TenantDirectory } from '#auth';
import { Database } from '#database';
import type { Tenant } from '#kernel';
import { AuditLog } from './audit-log.service.js';
import { DEFAULT_SETTINGS } from './settings.js';
import { TenantEntity, TenantSettingsEntity } from './tenant.entity.js';

/** Sets up a new tenant for a higher domain, in the transaction that provisions it. */
export type TenantProvisioner = (tx: EntityManager, tenant: Tenant) => Promise<void>;

const AFTER = 'SELECT id, name FROM tenants WHERE id > $1 ORDER BY id LIMIT $2';
const BATCH = 500;

/** Knows every tenant that has ever been seen. Tenants are never renamed or removed, so what was read once stays true. */
@Injectable()
export class Tenants implements TenantDirectory {
  private readonly known = new Map<string, Tenant>();
  private readonly provisioners: TenantProvisioner[] = [];

  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
  ) {}

  /** Call while modules initialise. */
  onProvision(provisioner: TenantProvisioner): void {
    this.provisioners.push(provisioner);
  }

  async resolve(name: string): Promise<Tenant> {
    return (await this.find(name)) ?? (await this.provision(name));
  }

  async find(name: string): Promise<Tenant | null> {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const row = await this.database.inNoTenant((tx) => tx.findOneBy(TenantEntity, { name }));
    return row === null ? null : this.remember({ id: row.id, name: row.name });
  }

  /** A tenant by its internal number, as found in jobs and delivery ids. */
  async byId(id: number): Promise<Tenant | null> {
    return (await this.byIds([id]))[0] ?? null;
  }

  /** The same for many, in one query. Unknown numbers are left out. */
  async byIds(ids: readonly number[]): Promise<Tenant[]> {
    const rows = await this.database.inNoTenant((tx) => tx.query<Tenant[]>('SELECT id, name FROM tenants WHERE id = ANY ($1::int[]) ORDER BY id', [ids]));
    return rows.map((row) => this.remember(row));
  }

  /** Every tenant, for sweepers that walk them one by one. */
  async *all(): AsyncGenerator<Tenant> {
    for (let after = 0; ; ) {
      const batch = await this.database.rows<Tenant>(null, { name: 'tenants_after', text: AFTER, values: [after, BATCH] });
      yield* batch;
      if (batch.length < BATCH) return;
      after = batch.at(-1)!.id;
    }
  }

  async recordVisit(tenant: Tenant, visit: Parameters<TenantDirectory['recordVisit']>[1]): Promise<void> {
    const { subject, ...detail } = visit;
    await this.database.inTenant(tenant, (tx) => this.auditLog.add(tx, tenant, subject, 'tenant.visited', detail));
  }

  /** Two requests may bring a new tenant at once: the second waits for the first to commit, and finds it. */
  private async provision(name: string): Promise<Tenant> {
    const tenant = await this.database.inNoTenant(async (tx) => {
      const [created] = await tx.query<Tenant[]>('INSERT INTO tenants (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id, name', [name]);
      if (created === undefined) return tx.findOneByOrFail(TenantEntity, { name });
      await tx.query(`SELECT set_config('app.tenant', $1, true)`, [String(created.id)]);
      const { timezone, currency, ...settings } = DEFAULT_SETTINGS;
      await tx.insert(TenantSettingsEntity, { tenantId: created.id, timezone, currency, settings: settings as never });
      for (const provision of this.provisioners) await provision(tx, created);
      return created;
    });
    return this.remember({ id: tenant.id, name: tenant.name });
  }

  private remember(tenant: Tenant): Tenant {
    this.known.set(tenant.name, tenant);
    return tenant;
  }
}

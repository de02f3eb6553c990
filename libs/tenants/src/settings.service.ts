import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Contention, Database } from '#database';
import { assertVersion, Versioned, type Versions } from '#http';
import { isObject, type Tenant, validationFailed } from '#kernel';
import { AuditLog } from './audit-log.service.js';
import { SettingsDto } from './dto/settings.dto.js';
import type { UpdateSettingsDto } from './dto/update-settings.dto.js';
import type { Settings } from './settings.js';
import { TenantSettingsEntity } from './tenant.entity.js';
import { SettingsError } from './tenants.errors.js';

/** Called on a change of settings, in its transaction and after it was written. Returning a sentence refuses the change. */
export type SettingsFollower = (tx: EntityManager, tenant: Tenant, before: Settings, after: Settings) => Promise<string | null>;

/** Answers with the currency, unless somebody fixes it at this instant. */
const FIX_CURRENCY = `
  WITH fixed AS (UPDATE tenant_settings SET money_recorded = true WHERE tenant_id = $1 AND NOT money_recorded RETURNING currency)
  SELECT currency FROM fixed UNION ALL SELECT currency FROM tenant_settings WHERE tenant_id = $1 AND money_recorded`;

@Injectable()
export class SettingsService {
  private readonly followers: SettingsFollower[] = [];
  /** PostgreSQL's time zones, in lower case. Listing them reads a thousand files, which takes a tenth of a second. */
  private zones: ReadonlySet<string> | null = null;

  constructor(
    private readonly database: Database,
    private readonly auditLog: AuditLog,
  ) {}

  /** Lets a higher domain keep data derived from settings up to date. Call while modules initialise. */
  onChange(follower: SettingsFollower): void {
    this.followers.push(follower);
  }

  /** The tenant's settings, within its transaction. Plain SQL rather than the entity, because nearly every write begins with this. */
  async of(tx: EntityManager, tenant: Tenant): Promise<Settings> {
    const [row] = await tx.query<Pick<TenantSettingsEntity, 'timezone' | 'currency' | 'settings'>[]>('SELECT timezone, currency, settings FROM tenant_settings WHERE tenant_id = $1', [tenant.id]);
    return toSettings(row!);
  }

  /** Locks the settings against changes until the transaction ends, for writing what is only valid under them. Take it before other locks. */
  async hold(tx: EntityManager, tenant: Tenant): Promise<void> {
    await tx.query('SELECT FROM tenant_settings WHERE tenant_id = $1 FOR KEY SHARE', [tenant.id]);
  }

  /** The tenant's currency, outside a transaction and in one round trip. */
  async currency(tenant: Tenant): Promise<string> {
    const [row] = await this.database.rows<{ currency: string }>(tenant, { text: 'SELECT currency FROM tenant_settings WHERE tenant_id = $1', values: [tenant.id], name: 'currency' });
    return row!.currency;
  }

  /**
   * Fixes the currency, because amounts are stored in its minor units from now on. Cheap enough to call with every amount.
   *
   * @param told the currency that the amounts were read in, if they were
   * @throws Contention if it is another by now
   */
  async recordMoney(tx: EntityManager, tenant: Tenant, told?: string): Promise<void> {
    const [fixed] = await tx.query<{ currency: string }[]>(FIX_CURRENCY, [tenant.id]);
    if (told !== undefined && fixed?.currency !== told) throw new Contention('The currency was changed meanwhile.');
  }

  async get(tenant: Tenant): Promise<Versioned<SettingsDto>> {
    return this.database.inTenant(tenant, async (tx) => answer(await tx.findOneByOrFail(TenantSettingsEntity, { tenantId: tenant.id })));
  }

  async update(tenant: Tenant, actor: string, patch: UpdateSettingsDto, ifMatch?: Versions): Promise<Versioned<SettingsDto>> {
    return this.database.inTenant(tenant, async (tx) => {
      const entity = await tx.findOneOrFail(TenantSettingsEntity, { where: { tenantId: tenant.id }, lock: { mode: 'pessimistic_write' } });
      assertVersion(ifMatch, entity.version);
      const before = toSettings(entity);
      const { timezone, currency, ...settings } = mergePatch(before, patch) as Settings;
      if (currency !== entity.currency && entity.moneyRecorded) throw new SettingsError('currency_fixed');
      if (timezone !== entity.timezone) await this.assertZone(tx, timezone);
      Object.assign(entity, { timezone, currency, settings, version: entity.version + 1 });
      await tx.save(entity);
      for (const follower of this.followers) {
        const refusal = await follower(tx, tenant, before, toSettings(entity));
        if (refusal !== null) throw new SettingsError('settings_in_use', { detail: refusal });
      }
      await this.auditLog.add(tx, tenant, actor, 'settings.updated', { patch });
      return answer(entity);
    });
  }

  /** PostgreSQL computes where days begin, so it must know the zone: it reads `+05:30` as an offset to the west, and lacks names that Node has kept. */
  private async assertZone(tx: EntityManager, timezone: string): Promise<void> {
    this.zones ??= new Set((await tx.query<{ name: string }[]>('SELECT lower(name) AS name FROM pg_timezone_names')).map(({ name }) => name));
    if (!this.zones.has(timezone.toLowerCase())) {
      throw validationFailed([{ pointer: '/timezone', code: 'is_time_zone', detail: 'timezone must be an IANA time zone, such as Europe/Berlin' }]);
    }
  }
}

const toSettings = ({ timezone, currency, settings }: Pick<TenantSettingsEntity, 'timezone' | 'currency' | 'settings'>): Settings => ({ timezone, currency, ...settings });

const answer = (entity: TenantSettingsEntity): Versioned<SettingsDto> => new Versioned(SettingsDto.from(toSettings(entity)), entity.version);

/** JSON merge patch (RFC 7396), except that null is a value and does not remove the key. */
function mergePatch(target: unknown, patch: object): unknown {
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    merged[key] = isObject(value) ? mergePatch(merged[key], value) : value;
  }
  return merged;
}

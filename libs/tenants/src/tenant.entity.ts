import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Settings } from './settings.js';

@Entity('tenants')
export class TenantEntity {
  @PrimaryGeneratedColumn('identity', { type: 'int', generatedIdentity: 'BY DEFAULT' })
  id: number;

  /** The token's `tenant_id`. */
  @Column('text', { unique: true })
  name: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}

@Entity('tenant_settings')
export class TenantSettingsEntity {
  @PrimaryColumn('int', { name: 'tenant_id' })
  tenantId: number;

  @Column('text')
  timezone: string;

  @Column('text')
  currency: string;

  @Column('jsonb')
  settings: Omit<Settings, 'timezone' | 'currency'>;

  @Column('int', { default: 1 })
  version: number;

  @Column('boolean', { name: 'money_recorded', default: false })
  moneyRecorded: boolean;
}

import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantDirectory } from '#auth';
import { AuditLogController } from './audit-log.controller.js';
import { AuditLog } from './audit-log.service.js';
import { KeptKeysSweep } from './kept-keys.sweep.js';
import { SettingsController } from './settings.controller.js';
import { SettingsService } from './settings.service.js';
import { TenantEntity, TenantSettingsEntity } from './tenant.entity.js';
import { Tenants } from './tenants.service.js';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([TenantEntity, TenantSettingsEntity])],
  controllers: [SettingsController, AuditLogController],
  providers: [AuditLog, KeptKeysSweep, Tenants, SettingsService, { provide: TenantDirectory, useExisting: Tenants }],
  exports: [AuditLog, Tenants, SettingsService, TenantDirectory],
})
export class TenantsModule {}

import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantDirectory } from '#auth';
import { SettingsController } from './settings.controller.js';
import { SettingsService } from './settings.service.js';
import { TenantEntity, TenantSettingsEntity } from './tenant.entity.js';
import { Tenants } from './tenants.service.js';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([TenantEntity, TenantSettingsEntity])],
  controllers: [SettingsController],
  providers: [Tenants, SettingsService, { provide: TenantDirectory, useExisting: Tenants }],
  exports: [Tenants, SettingsService, TenantDirectory],
})
export class TenantsModule {}

export { AuditLog } from './audit-log.service.js';
export * from './settings.js';
export { type SettingsFollower, SettingsService } from './settings.service.js';
export * from './tenants.module.js';
export { type TenantProvisioner, Tenants } from './tenants.service.js';

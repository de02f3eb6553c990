import { PLATFORM_ROLES, ROLES, type Role } from './role.js';

/** Every role of the API reference. */
const ALL: readonly Role[] = ROLES;

/** For credentials, settings and the erasure of persons. */
const ADMINS: readonly Role[] = ['tenant_admin', ...PLATFORM_ROLES];

/** The one permission table: who may do what. A route names a permission, never a role. */
export const PERMISSIONS = {
  'campaigns:read': ALL,
  'campaigns:write': ALL,
  'segments:read': ALL,
  'segments:write': ALL,
  'webhooks:read': ALL,
  'webhooks:manage': ADMINS,
  'event-subscriptions:read': ADMINS,
  'event-subscriptions:manage': ADMINS,
  'channels:read': ALL,
  'channels:manage': ADMINS,
  'funnels:read': ALL,
  'promos:read': ALL,
  'promos:write': ALL,
  'promos:redeem': ALL,
  'customers:read': ALL,
  'customers:write': ALL,
  'customers:erase': ADMINS,
  'events:write': ALL,
  'settings:read': ALL,
  'settings:write': ADMINS,
  'audit:read': ADMINS,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

export const permits = (roles: readonly Role[], permission: Permission): boolean =>
  roles.some((role) => (PERMISSIONS[permission]).includes(role));

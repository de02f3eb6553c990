/** The eight roles of the API reference, from a marketer of one restaurant to the platform's own staff. */
export const ROLES = [
  'marketing',
  'marketing_manager',
  'manager',
  'restaurant_manager',
  'tenant_admin',
  'platform_admin',
  'system_admin',
  'super_admin',
] as const;

export type Role = (typeof ROLES)[number];

export const isRole = (text: unknown): text is Role => ROLES.includes(text as Role);

/** Roles that may act for another tenant with X-Tenant-Id. */
export const PLATFORM_ROLES: readonly Role[] = ['platform_admin', 'system_admin', 'super_admin'];

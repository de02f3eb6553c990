import { SetMetadata } from '@nestjs/common';
import type { Permission } from './permissions.js';

/** What a route demands: a permission, or nothing at all. A route that says neither does not start. */
export const ACCESS = 'access';
export type Access = Permission | 'public';

/** Admits callers whose roles hold the permission. */
export const Allow = (permission: Permission) => SetMetadata(ACCESS, permission satisfies Access);

/** Admits everybody, without a token. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

import { SetMetadata } from '@nestjs/common';
import type { Permission } from './permissions.js';

/** A route's access: a permission, or public. The app does not start with a route that declares neither. */
export const ACCESS = 'access';
export type Access = Permission | 'public';

/** Admits callers whose roles hold the permission. */
export const Allow = (permission: Permission) => SetMetadata(ACCESS, permission satisfies Access);

/** Admits everybody, without a token. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

import { createSecretKey, randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';

export const TEST_SECRET = 'a secret that only the tests know, 32+ bytes';

const key = createSecretKey(TEST_SECRET, 'utf8');

/** A token the application under test accepts; `claims` override, so that one may be wrong on purpose. */
export const token = (tenant: string, roles: string[] = ['tenant_admin'], claims: object = {}): string =>
  jwt.sign({ sub: 'user_1', tenant_id: tenant, roles, exp: Math.floor(Date.now() / 1000) + 3600, ...claims }, key);

/** A tenant nobody has seen: tests of one database do not meet. */
export const newTenant = (): string => `tenant-${randomUUID()}`;

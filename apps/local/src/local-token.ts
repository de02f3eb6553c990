import { createSecretKey } from 'node:crypto';
import jwt from 'jsonwebtoken';

/** A bearer token for a deployment that verifies with JWT_SECRET. */
export const mintToken = (secret: string, tenant: string, role: string, days = 30): string =>
  jwt.sign({ sub: `${role}@${tenant}`, tenant_id: tenant, roles: [role] }, createSecretKey(secret, 'utf8'), { expiresIn: `${days}d` });

import { parseArgs } from 'node:util';
import { isRole, ROLES } from '#auth';
import { localSecrets } from './local-secrets.js';
import { mintToken } from './local-token.js';

/** `npm run token -- --tenant acme --role marketing` prints a JWT for the running secret. */
const { values } = parseArgs({ options: { tenant: { type: 'string', default: 'demo' }, role: { type: 'string', default: 'tenant_admin' } } });
if (!isRole(values.role)) throw new Error(`--role is one of: ${ROLES.join(', ')}`);
const secret = process.env.JWT_SECRET || (await localSecrets(process.env.DATA_DIR || './.data')).JWT_SECRET;
process.stdout.write(`${mintToken(secret, values.tenant, values.role)}\n`);

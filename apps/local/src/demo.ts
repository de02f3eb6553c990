import { parseArgs } from 'node:util';
import { cdnowInput, ecomEvents, generatedInput } from './demo-input.js';
import { HttpClient } from './http-client.js';
import { localSecrets } from './local-secrets.js';
import { mintToken } from './local-token.js';
import { playMainJob } from './main-job.js';

/** `npm run demo [-- --cdnow FILE] [--ecom FILE]` plays the main job against the server that `npm start` started, in a tenant of its own. */
const { values } = parseArgs({ options: { url: { type: 'string' }, cdnow: { type: 'string' }, ecom: { type: 'string' } } });
const url = values.url ?? `http://127.0.0.1:${process.env.PORT || 3000}`;
const tenant = `demo-${new Date().toISOString().slice(0, 19).replace(/\D/g, '')}`;
const secret = process.env.JWT_SECRET || (await localSecrets(process.env.DATA_DIR || './.data')).JWT_SECRET;
const http = new HttpClient(url, mintToken(secret, tenant, 'tenant_admin'));

const input = values.cdnow === undefined ? generatedInput(1000) : await cdnowInput(values.cdnow);
if (values.ecom !== undefined) input.events.push(...(await ecomEvents(values.ecom)));

process.stdout.write(`The main job, played for the tenant "${tenant}" on ${url}\n\n`);
await playMainJob(http, input, (step, result) => process.stdout.write(`${step}\n   ${JSON.stringify(result)}\n\n`));

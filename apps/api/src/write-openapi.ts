import { readFile, writeFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { loadEnv } from '#config';
import { ApiModule } from './api.module.js';
import { createApp } from './configure-app.js';
import { createDocument } from './openapi.js';

/** Writes openapi/marketing.json, or with `--check` fails when it is out of date. Needs no database. */
const FILE = 'openapi/marketing.json';

const env = loadEnv({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', JWT_SECRET: 'x'.repeat(32), SECRETS_KEY: '00'.repeat(32) });
Logger.overrideLogger(false);
const app = await createApp(ApiModule.forRoot(env), false, { preview: true }); // nothing is instantiated, so nothing connects
const document = `${JSON.stringify(createDocument(app), null, 2)}\n`;
if (!process.argv.includes('--check')) await writeFile(FILE, document);
else if ((await readFile(FILE, 'utf8')) !== document) {
  process.stderr.write(`${FILE} is not what the code says: run \`npm run openapi\` and commit it.\n`);
  process.exitCode = 1;
}
process.exit();

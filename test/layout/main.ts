import { readFile, writeFile } from 'node:fs/promises';
import { compiledLayout, SOURCE, TARGET } from './layout.js';

const compiled = await compiledLayout();
if (!process.argv.includes('--check')) await writeFile(TARGET, compiled);
else if ((await readFile(TARGET, 'utf8')) !== compiled) {
  console.error(`${TARGET} is not what ${SOURCE} makes: run npm run layout`);
  process.exitCode = 1;
}

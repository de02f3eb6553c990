import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { emailHtml, type EmailLayout } from '../src/email-layout.js';
import { askPage } from '../src/unsubscribe-page.js';
import { wordsIn } from '../src/words.js';

/** Pictures of what recipients see, at the widths of a phone and of a desktop, light and dark; for the docs and for whoever changes the layout. */
const TARGET = 'docs/screenshots';
const WIDTHS = [360, 700];
const CHROMIUM = process.argv[2] ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const email: EmailLayout = {
  language: 'en',
  subject: 'Flash Sale - 25% Off Today Only!',
  preheader: 'Until midnight, in all our restaurants',
  brand: 'Trattoria Springfield',
  body: 'Hello Ada,\n\nour biggest sale of the season: 25% off everything on https://order.example.com/menu until midnight. Show the code FLASH25 at the counter, or order online.\n\nSee you soon!',
  button: { text: 'Shop Now', url: 'https://order.example.com' },
  postalAddress: 'Trattoria Springfield, 1 Main Street\nSpringfield, IL 62701',
  unsubscribeUrl: 'https://marketing.example.com/t/u/x',
  honeypotUrl: null,
  pixelUrl: 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  link: (url) => url,
};
const { template, values } = emailHtml(email);
const pages = {
  email: { html: template.fill(values), height: 560 },
  unsubscribe: { html: askPage({ words: wordsIn('en'), channels: ['email', 'sms'] }), height: 520 },
};

if (CHROMIUM === undefined) {
  console.error('There is no Chromium here: name one with npm run screenshots -- /path/to/it');
  process.exitCode = 1;
} else {
  const scratch = await mkdtemp(join(tmpdir(), 'screenshots-'));
  await mkdir(TARGET, { recursive: true });
  for (const [name, { html, height }] of Object.entries(pages)) {
    for (const width of WIDTHS) {
      for (const scheme of ['light', 'dark']) await picture(scratch, name, html, width, height, scheme);
    }
  }
  await rm(scratch, { recursive: true });
}

/** In a frame, since a window is never narrower than 500 pixels. */
async function picture(scratch: string, name: string, html: string, width: number, height: number, scheme: string): Promise<void> {
  const [page, frame] = [join(scratch, 'page.html'), join(scratch, 'frame.html')];
  await writeFile(page, html);
  await writeFile(frame, `<!doctype html><meta name="color-scheme" content="light dark"><body style="margin:0;overflow:hidden"><iframe src="page.html" style="border:0;width:${width}px;height:${height}px;display:block"></iframe>`);
  const target = join(TARGET, `${name}-${width}-${scheme}.png`);
  // prettier-ignore
  await promisify(execFile)(CHROMIUM!, [
    '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--allow-file-access-from-files', `--user-data-dir=${join(scratch, 'profile')}`,
    `--window-size=${width},${height}`, `--screenshot=${target}`, ...(scheme === 'dark' ? ['--blink-settings=preferredColorScheme=0'] : ['--blink-settings=preferredColorScheme=1']), pathToFileURL(frame).href,
  ], { timeout: 60_000 });
  console.log(target);
}

import { createHash } from 'node:crypto';
import type { Channel } from '#tenants';
import { escapeHtml } from './email-layout.js';
import { directionOf, type Words } from './words.js';

const STYLE = `
:root{color-scheme:light dark;--text:#1f2933;--page:#f2f4f7;--card:#fff;--accent:#0b69a3;--on-accent:#fff;--wrong:#9b1c1c}
@media (prefers-color-scheme:dark){:root{--text:#f0f4f8;--page:#14181d;--card:#1f262e;--accent:#7cc4fa;--on-accent:#102a43;--wrong:#ffb4ab}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--page)}
main{max-width:32rem;margin:8vh auto;padding:2rem;background:var(--card);border-radius:8px}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.3}
fieldset{margin:0 0 1.5rem;padding:0;border:0}
legend{padding:0;margin-bottom:.5rem;font-weight:600}
label{display:flex;align-items:center;gap:.75rem;min-height:2.75rem}
input{width:1.25rem;height:1.25rem;accent-color:var(--accent)}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.75rem 1.5rem;border:0;border-radius:6px;color:var(--on-accent);background:var(--accent);cursor:pointer}
:focus-visible{outline:3px solid var(--text);outline-offset:2px}
.wrong{color:var(--wrong);font-weight:600}
`;

/** The page does nothing but show itself and post to where it came from; its one style is named by its hash. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

/** What a recipient may stop: the channel of the message first. */
export interface Choices {
  words: Words;
  channels: readonly Channel[];
}

/** Pages for the recipient: plain HTML, readable by anything, no script. */
const page = ({ language }: Words, title: string, content: string): string => `<!doctype html>
<html lang="${language}" dir="${directionOf(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>`;

/** Asks, and changes nothing: link scanners follow links, too. `missed` after nothing was chosen. */
export function askPage({ words, channels }: Choices, missed = false): string {
  const { page: say } = words;
  const choice = (channel: Channel, at: number): string =>
    `<label for="stop-${channel}"><input type="checkbox" id="stop-${channel}" name="stop" value="${channel}"${at === 0 && !missed ? ' checked' : ''}>${escapeHtml(say.channels[channel])}</label>`;
  const fields = channels.length === 1
    ? `<input type="hidden" name="stop" value="${channels[0]}">`
    : `<fieldset${missed ? ' aria-describedby="missed"' : ''}><legend>${escapeHtml(say.also)}</legend>${channels.map(choice).join('')}</fieldset>`;
  const notice = missed ? `<p class="wrong" id="missed" role="alert">${escapeHtml(say.none)}</p>\n` : '';
  return page(words, say.title, `${notice}<p>${escapeHtml(say.ask)}</p>
<form method="post"><input type="hidden" name="chosen" value="1">${fields}<button type="submit">${escapeHtml(say.stop)}</button></form>`);
}

export const donePage = ({ words, channels }: Choices): string =>
  page(words, words.page.done, `<div role="status"><p>${escapeHtml(words.page.doneText)}</p><ul>${channels.map((channel) => `<li>${escapeHtml(words.page.channels[channel])}</li>`).join('')}</ul></div>`);

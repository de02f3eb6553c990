import type { Listing, MailContent } from './mail-reading.js';

/** The list of mails, with a search by recipient. `to` is the search text. */
export function inboxPage({ data, total, received, offset, limit }: Listing, to: string): string {
  const link = (label: string, from: number) =>
    html`<a href="/?${new URLSearchParams({ to, offset: String(from) }).toString()}">${label}</a>`;
  return frame(
    'Inbox',
    html`
<h1>Caught mail</h1>
<form role="search">
  <label>Recipient <input type="search" name="to" value="${to}"></label>
  <button>Search</button>
  <button type="button" id="delete">Delete all</button>
</form>
<p role="status" id="status" data-received="${received}">${total === 1 ? '1 mail' : `${total} mails`}${to && ` to “${to}”`}</p>
<table>
  <thead><tr><th scope="col">Subject</th><th scope="col">To</th><th scope="col">From</th><th scope="col">Time</th></tr></thead>
  <tbody>${data.map(
    (mail) => html`
    <tr><td><a href="/mail/${mail.id}">${mail.subject}</a></td><td>${mail.to.join(', ')}</td><td>${mail.from}</td>
      <td>${instant(mail.time)}</td></tr>`,
  )}
  </tbody>
</table>
<nav aria-label="Pages">${offset > 0 && link('Newer', Math.max(0, offset - limit))} ${offset + limit < total && link('Older', offset + limit)}</nav>`,
  );
}

const VIEWS = { html: 'HTML', text: 'Plain text', source: 'Source' } as const;

export function mailPage(mail: MailContent, source: string, wanted: string | null): string {
  const view = wanted === 'text' || wanted === 'source' || wanted === 'html' ? wanted : mail.html === null ? 'text' : 'html';
  return frame(
    mail.subject,
    html`
<nav aria-label="Inbox"><a href="/">Back to the inbox</a></nav>
<h1>${mail.subject}</h1>
<dl>
  <dt>From</dt><dd>${mail.from}</dd>
  <dt>To</dt><dd>${mail.to.join(', ')}</dd>
  <dt>Time</dt><dd>${instant(mail.time)}</dd>
  ${mail.attachments.length > 0 && html`<dt>Attachments</dt><dd>${mail.attachments.map(({ filename }) => filename).join(', ')}</dd>`}
</dl>
<nav aria-label="View" class="views">${Object.entries(VIEWS).map(
      ([key, label]) => html`<a href="?view=${key}" ${key === view && html`aria-current="page"`}>${label}</a> `,
    )}</nav>
${body(mail, source, view)}`,
  );
}

export function notFoundPage(): string {
  return frame('Not found', html`<h1>Not found</h1><p>Old mails are dropped. <a href="/">To the inbox</a></p>`);
}

function body({ id, text, html: markup }: MailContent, source: string, view: keyof typeof VIEWS): Html {
  if (view === 'source') return html`<pre tabindex="0" aria-label="Source">${source}</pre>`;
  if ((view === 'html' ? markup : text) === null) return html`<p>This mail has no such part.</p>`;
  if (view === 'text') return html`<pre tabindex="0" aria-label="Plain text">${text}</pre>`;
  // The response's own policy sandboxes it too, in case it is opened outside of this frame.
  return html`<iframe title="The mail's HTML" src="/email/${id}/html" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>`;
}

function instant(time: Date): Html {
  const iso = time.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function frame(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} · Mail catcher</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/inbox.css">
<script src="/inbox.js" defer></script>
<main>${main}</main>
</html>`.markup;
}

/** Markup, as opposed to text: a mail's content is text, and is escaped wherever it is put into markup. */
class Html {
  constructor(readonly markup: string) {}
}

type Renderable = Html | Renderable[] | string | number | false | null;

function html(parts: TemplateStringsArray, ...values: Renderable[]): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(render)));
}

function render(value: Renderable): string {
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(render).join('');
  if (value === null || value === false) return '';
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Announces new mail instead of moving the list while somebody reads it. */
export const SCRIPT = `
const status = document.getElementById('status');
if (status) setInterval(async () => {
  const answer = await fetch('/email?limit=0').catch(() => undefined);
  const more = answer?.ok ? (await answer.json()).received - status.dataset.received : 0;
  if (more <= 0 || status.dataset.more === String(more)) return;
  status.dataset.more = more;
  const link = Object.assign(document.createElement('a'), { href: '/', textContent: more + ' new: show' });
  status.replaceChildren(link);
}, 2000);
document.getElementById('delete')?.addEventListener('click', async () => {
  if (!confirm('Delete all mails?')) return;
  await fetch('/email', { method: 'DELETE' });
  location.assign('/');
});
`;

export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
input, button { font: inherit; padding: .25rem .75rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: start; padding: .375rem .5rem; border-bottom: 1px solid GrayText; vertical-align: top; overflow-wrap: anywhere; }
td:last-child { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .125rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.views a { display: inline-block; padding: .25rem .75rem; }
.views a[aria-current] { font-weight: bold; text-decoration: none; }
iframe { width: 100%; height: 75vh; border: 1px solid GrayText; background: white; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid GrayText; padding: 1rem; }
`;

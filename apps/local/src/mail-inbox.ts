import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { inboxPage, mailPage, notFoundPage, SCRIPT, STYLE } from './mail-inbox.page.js';
import { type Listing, read, summarise } from './mail-reading.js';
import type { Mailbox } from './mailbox.js';

const PAGE_SIZE = 50;

/** The pages load only their own style and script, and show a mail only inside a frame. */
const PAGE_POLICY =
  "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'";

/** A mail's HTML may show pictures and open links (so that opens and clicks can be tried), and nothing else. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src * data:; style-src * 'unsafe-inline'; font-src *";

interface Answer {
  status?: number;
  type: 'text/html' | 'text/plain' | 'text/css' | 'text/javascript' | 'application/json';
  body: string | Buffer;
  policy?: string;
}

/**
 * The web inbox and its JSON API:
 *
 *     GET    /email?to=&limit=&offset=   {total, received, data: MailSummary[]}, newest first
 *     GET    /email/{id}                 MailContent
 *     GET    /email/{id}/html | source   the HTML part in a sandbox; the message as it was sent
 *     DELETE /email | /email/{id}        204
 */
export function createInbox(mailbox: Mailbox): Server {
  return createServer((request, response) => {
    respond(mailbox, request, response).catch((error: Error) => {
      response.writeHead(500, { 'Content-Type': 'text/plain' }).end(error.message);
    });
  });
}

async function respond(mailbox: Mailbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!isLocal(request)) return void response.writeHead(403).end();
  const url = new URL(request.url ?? '/', 'http://inbox');
  const [, root = '', id, part] = url.pathname.split('/');
  const { searchParams: query } = url;

  if (request.method === 'DELETE' && root === 'email' && !part) {
    if (!id) mailbox.clear();
    const found = !id || mailbox.delete(id);
    return void response.writeHead(found ? 204 : 404).end();
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();

  const answer =
    root === 'email' && id ? await oneMail(mailbox, id, part)
    : root === 'mail' && id ? await mailView(mailbox, id, query)
    : root === 'email' ? json(await listing(mailbox, query))
    : root === '' ? page(inboxPage(await listing(mailbox, query), query.get('to') ?? ''))
    : root === 'inbox.css' ? ({ type: 'text/css', body: STYLE } as const)
    : root === 'inbox.js' ? ({ type: 'text/javascript', body: SCRIPT } as const)
    : undefined;
  send(response, answer ?? { ...page(notFoundPage()), status: 404 });
}

async function listing(mailbox: Mailbox, query: URLSearchParams): Promise<Listing> {
  const mails = mailbox.list(query.get('to') ?? '');
  const offset = whole(query.get('offset'), 0);
  const limit = Math.min(whole(query.get('limit'), PAGE_SIZE), 500);
  const data = await Promise.all(mails.slice(offset, offset + limit).map(summarise));
  return { total: mails.length, received: mailbox.received, offset, limit, data };
}

async function oneMail(mailbox: Mailbox, id: string, part?: string): Promise<Answer | undefined> {
  const mail = mailbox.get(id);
  if (!mail) return part ? undefined : { ...json({ error: 'not_found' }), status: 404 };
  if (part === undefined) return json(await read(mail));
  if (part === 'source') return { type: 'text/plain', body: mail.raw };
  const { html } = await read(mail);
  if (part !== 'html' || html === null) return undefined;
  // Links open beside the inbox: most sites refuse to be shown in a frame.
  return { type: 'text/html', body: `<base target="_blank">${html}`, policy: MAIL_POLICY };
}

async function mailView(mailbox: Mailbox, id: string, query: URLSearchParams): Promise<Answer | undefined> {
  const mail = mailbox.get(id);
  return mail && page(mailPage(await read(mail), mail.raw.toString(), query.get('view')));
}

function json(content: unknown): Answer {
  return { type: 'application/json', body: JSON.stringify(content) };
}

function page(body: string): Answer {
  return { type: 'text/html', body, policy: PAGE_POLICY };
}

function send(response: ServerResponse, { status = 200, type, body, policy = "default-src 'none'" }: Answer): void {
  response
    .writeHead(status, {
      'Content-Type': `${type}; charset=utf-8`,
      'Content-Security-Policy': `${policy}; frame-ancestors 'self'`,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    })
    .end(body);
}

/**
 * Refuses a foreign web site whose name was made to resolve to this machine (DNS rebinding): the browser then sends
 * that name as the host. There are no CORS headers either, so no other site can read or delete mails.
 */
function isLocal({ headers, socket }: IncomingMessage): boolean {
  if (socket.localAddress !== '127.0.0.1' && socket.localAddress !== '::1') return true;
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(headers.host ?? '');
}

function whole(text: string | null, otherwise: number): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
}

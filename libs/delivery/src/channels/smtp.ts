import type { Socket } from 'node:net';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import type { EmailMessage } from '../message.js';
import { CALLING_MS, type Channel, type Outcome } from './channel.js';
import { messageIdOf, mimeOf } from './mime.js';
import { type Letter, type SmtpError, type SmtpLogin, type SmtpOptions, SmtpSession } from './smtp-session.js';

/** Connections kept open to the server. */
const CONNECTIONS = 10;

/** A server that answers within this many milliseconds is offered the next message together with a text. */
const QUICK_MS = 50;

/** The mailbox or domain does not exist (RFC 3463 §3.2, RFC 7505): unlike a refusal by policy or size, this holds for every message. */
const NOBODY_THERE = /^smtp_5\d\d_5\.1\.(1|2|3|6|10)$/;

/** A tenant's own server. */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte, or after STARTTLS, or none at all. */
  security: 'tls' | 'starttls' | 'none';
  username?: string;
  password?: string;
  /** Opens the connection; a tenant must not reach hosts of our own network. */
  dial(host: string, port: number): Promise<Socket>;
}

/** How a connection is opened, and its login. */
interface Way {
  host: string;
  options(): Promise<SmtpOptions>;
  login: SmtpLogin | null;
}

const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000 };

function wayTo(server: string | SmtpServer): Way {
  if (typeof server === 'string') {
    const { auth, ...options } = parseConnectionUrl(server) as SmtpOptions & { auth?: SmtpLogin };
    return { host: options.host ?? '', options: () => Promise.resolve({ ...options, ...TIMEOUTS }), login: auth ?? null };
  }
  const { host, port, security, username, password, dial } = server;
  const options = { host, port, secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none', ...TIMEOUTS };
  return { host, options: async () => ({ ...options, connection: await dial(host, port) }), login: username === undefined ? null : { user: username, pass: password ?? '' } };
}

/** A message and its place in the batch. */
interface Item {
  at: number;
  message: EmailMessage;
  letter: Letter;
}

/** Messages sent together, each handed out once. */
class Batch {
  readonly outcomes: Outcome[];
  private readonly until = performance.now() + CALLING_MS;
  private next = 0;

  constructor(
    private readonly messages: readonly EmailMessage[],
    private readonly host: string,
  ) {
    this.outcomes = messages.map(() => ({ status: 'uncalled' }));
  }

  get isLate(): boolean {
    return performance.now() >= this.until;
  }

  /** Whether no further message may begin. */
  get isOver(): boolean {
    return this.next >= this.messages.length || this.isLate;
  }

  take(): Item | null {
    if (this.isOver) return null;
    const at = this.next++;
    const message = this.messages[at]!;
    return { at, message, letter: { from: message.from.email, to: message.to, text: mimeOf(message, new Date(), this.host) } };
  }

  settle({ at, message }: Item, error: SmtpError | null, textSent: boolean): void {
    this.outcomes[at] = error === null ? { status: 'accepted', providerMessageId: messageIdOf(message) } : outcomeOf(error, textSent);
  }
}

/** Email over SMTP, on a few connections that are kept open. */
export class SmtpChannel implements Channel<EmailMessage> {
  readonly channel = 'email';
  readonly provider = 'smtp';
  readonly batch = 100;
  readonly hands = 2;
  private readonly way: Way;
  private readonly idle: SmtpSession[] = [];
  private inUse = 0;
  /** Wakes those who wait for a connection, oldest first. */
  private readonly waiting: (() => void)[] = [];
  private isClosed = false;

  /** @param server the operator's URL, or a server that a tenant named */
  constructor(
    server: string | SmtpServer,
    readonly perSecond: number | null = null,
  ) {
    this.way = wayTo(server);
  }

  /** Sends as many messages at once as there are connections, so that what a slow server has not been given yet can wait for the next batch. */
  async send(messages: readonly EmailMessage[]): Promise<Outcome[]> {
    const batch = new Batch(messages, this.way.host);
    await Promise.all(Array.from({ length: Math.min(CONNECTIONS, messages.length) }, () => this.work(batch)));
    return batch.outcomes;
  }

  /** Lets messages under way finish. */
  close(): void {
    this.isClosed = true;
    for (const session of this.idle.splice(0)) session.end();
  }

  private async work(batch: Batch): Promise<void> {
    while (!batch.isOver) {
      if (this.inUse >= CONNECTIONS) {
        await this.turn();
        continue;
      }
      this.inUse += 1;
      await this.converse(batch);
      this.inUse -= 1;
      this.waiting.shift()?.();
    }
    this.waiting.shift()?.(); // this one may have been woken when it no longer needed a connection
  }

  /** Waits for a connection, but no longer than a batch lasts, since other batches may hold them all. */
  private turn(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        resolve();
      }, CALLING_MS);
      this.waiting.push(go);
    });
  }

  /** Sends over one connection until it breaks, all messages are handed out, or others wait for it. */
  private async converse(batch: Batch): Promise<void> {
    let session = this.idle.pop();
    while (session?.isOpen === false) session = this.idle.pop();
    let item = batch.take();
    if (session === undefined && item !== null) {
      try {
        session = await SmtpSession.open(await this.way.options(), this.way.login);
      } catch (error) {
        return batch.settle(item, error as SmtpError, false);
      }
    }
    let ahead: Promise<SmtpError | null> | null = null;
    let quick = false;
    while (session !== undefined && item !== null) {
      const refused: SmtpError | null = await (ahead ?? session.offer(item.letter));
      if (refused === null && ahead !== null && batch.isLate) session.end(); // offered, but too late to be sent
      let next: Item | null = null;
      if (refused !== null) {
        batch.settle(item, refused, false);
        ahead = null;
      } else if (session.isOpen) {
        next = quick && session.pipelining && this.waiting.length === 0 ? batch.take() : null;
        const begun = performance.now();
        const { taken, offered } = session.deliver(item.letter, next?.letter ?? null);
        batch.settle(item, await taken, true);
        quick = performance.now() - begun < QUICK_MS;
        ahead = offered;
      }
      item = next ?? (session.isOpen && this.waiting.length === 0 ? batch.take() : null);
    }
    if (session?.isOpen !== true) return;
    if (this.isClosed) session.end();
    else this.idle.push(session);
  }
}

/**
 * What a failure means. A reply to the message is the server's word on it; a refused login or greeting says nothing about
 * this message; without a reply, the outcome is unknown once the text was begun.
 */
function outcomeOf({ code, responseCode, response }: SmtpError, textSent: boolean): Outcome {
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  const reason = responseCode === undefined ? `smtp_${(code ?? 'error').toLowerCase()}` : `smtp_${responseCode}${enhancedCode(response)}`;
  // A login that is refused for good, or a host that must not be called: no message will fare better.
  if (code === 'ETARGETREFUSED' || (code === 'EAUTH' && (responseCode ?? 0) >= 500)) return { status: 'barred', reason };
  const isReply = responseCode === undefined || (responseCode >= 400 && responseCode < 600);
  if (!isReply) return textSent ? { status: 'unknown', reason } : { status: 'retry', reason, reached: true }; // a reply code of no known class
  if (aboutMessage && responseCode !== undefined && responseCode < 500) return { status: 'retry', reason, reached: true };
  if (aboutMessage) return { status: 'rejected', reason, ...(NOBODY_THERE.test(reason) && { closes: 'hard_bounce' }) };
  return textSent ? { status: 'unknown', reason } : { status: 'retry', reason, reached: false };
}

/** The reply's class.subject.detail code (RFC 3463), if it has one; the text is left out, since it may quote an address. */
const enhancedCode = (response: string | undefined): string => {
  const found = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
  return found === undefined ? '' : `_${found}`;
};

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { createTransport, type Transporter } from 'nodemailer';
import type { EmailMessage } from '../message.js';
import { CALLING_MS, type Channel, type Outcome } from './channel.js';
import { messageIdOf, mimeOf } from './mime.js';

/** Connections kept open to the server. */
const CONNECTIONS = 10;

/** There is no such mailbox or domain (RFC 3463 §3.2, RFC 7505): unlike a refusal by policy or size, it says so of every message. */
const NOBODY_THERE = /^smtp_5\d\d_5\.1\.(1|2|3|6|10)$/;

/** The fields of nodemailer's errors that tell how far a message got. */
interface SmtpError {
  code?: string;
  /** The server's reply (RFC 5321 §4.2): 4xx may pass later, 5xx will not. */
  responseCode?: number;
  response?: string;
}

/** A tenant's own server. */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte, or after STARTTLS, or none at all. */
  security: 'tls' | 'starttls' | 'none';
  username?: string;
  password?: string;
  /** Opens the connection; whoever names hosts is not to reach ours. */
  dial(host: string, port: number): Promise<Socket>;
}

const connectionTo = ({ host, port, security, username, password, dial }: SmtpServer): object => ({
  host,
  port,
  secure: security === 'tls',
  requireTLS: security === 'starttls',
  ignoreTLS: security === 'none',
  ...(username !== undefined && { auth: { user: username, pass: password } }),
  getSocket: (_: object, done: (error: Error | null, socket?: { connection: Socket }) => void) => void dial(host, port).then((connection) => done(null, { connection }), done),
});

/** Email over SMTP, on a pool of connections. */
export class SmtpChannel implements Channel<EmailMessage> {
  readonly channel = 'email';
  readonly provider = 'smtp';
  readonly batch = 100;
  private readonly transport: Transporter;
  /** The streams that messages under way are read from, by their bytes. */
  private readonly texts = new WeakMap<Buffer, Readable>();

  /** @param server a URL of the operator's, or a server that a tenant named */
  constructor(
    server: string | SmtpServer,
    readonly perSecond: number | null = null,
  ) {
    this.transport = createTransport({
      ...(typeof server === 'string' ? { url: server } : connectionTo(server)),
      pool: true,
      maxConnections: CONNECTIONS,
      maxMessages: Infinity,
      maxRequeues: 0, // the ledger decides what is tried again, not the pool
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 60_000,
    } as Parameters<typeof createTransport>[0]);
    this.transport.use('stream', ({ data, message }, done) => {
      message.processFunc((text) => {
        this.texts.set(data.raw as Buffer, text);
        return text;
      });
      done();
    });
  }

  /** As many at once as there are connections, so that what a slow server has not been given yet can wait for the next batch. */
  async send(batch: readonly EmailMessage[]): Promise<Outcome[]> {
    const outcomes = batch.map((): Outcome => ({ status: 'uncalled' }));
    const until = performance.now() + CALLING_MS;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < batch.length && performance.now() < until) {
        const at = next++;
        outcomes[at] = await this.sendOne(batch[at]!);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    return outcomes;
  }

  /** Lets messages under way finish. */
  close(): void {
    this.transport.close();
  }

  /** nodemailer reads the last stream of a message when the server has said 354 to its DATA, and not before: from then on it may have been taken. */
  private async sendOne(message: EmailMessage): Promise<Outcome> {
    const raw = mimeOf(message, new Date());
    try {
      await this.transport.sendMail({ envelope: { from: message.from.email, to: message.to }, raw });
      return { status: 'accepted', providerMessageId: messageIdOf(message) };
    } catch (error) {
      return outcomeOf(error as SmtpError, this.texts.get(raw)?.readableDidRead ?? false);
    }
  }
}

/**
 * What a failure means. A reply to the message is the server's word on it; a refused login or greeting says nothing of this
 * message; and without a reply, whoever began to send the text cannot know.
 */
function outcomeOf({ code, responseCode, response }: SmtpError, textSent: boolean): Outcome {
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  const reason = responseCode === undefined ? `smtp_${(code ?? 'error').toLowerCase()}` : `smtp_${responseCode}${enhancedCode(response)}`;
  // A login that is refused for good, and a host that is none to call: no message will fare better.
  if (code === 'ETARGETREFUSED' || (code === 'EAUTH' && (responseCode ?? 0) >= 500)) return { status: 'barred', reason };
  if (aboutMessage && responseCode !== undefined && responseCode < 500) return { status: 'retry', reason, reached: true };
  if (aboutMessage) return { status: 'rejected', reason, ...(NOBODY_THERE.test(reason) && { closes: 'hard_bounce' }) };
  return textSent ? { status: 'unknown', reason } : { status: 'retry', reason, reached: false };
}

/** The class.subject.detail of RFC 3463, when the reply has one; its text may quote an address and is left out. */
const enhancedCode = (response: string | undefined): string => {
  const found = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
  return found === undefined ? '' : `_${found}`;
};

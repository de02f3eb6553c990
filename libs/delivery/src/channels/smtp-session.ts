import type { Socket } from 'node:net';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

/** Why a message was not taken, and how far it got, in nodemailer's terms. */
export interface SmtpError {
  /** `EENVELOPE` and `EMESSAGE` are about the message, others about the connection. */
  code?: string;
  /** The server's reply (RFC 5321 §4.2): 4xx may pass later, 5xx will not. */
  responseCode?: number;
  response?: string;
}

/** A message as it goes over the wire. */
export interface Letter {
  from: string;
  to: string;
  /** With CRLF at the end of each line, the last one too. */
  text: string;
}

export interface SmtpLogin {
  user: string;
  pass: string;
}

export type SmtpOptions = SMTPConnection.Options & { connection?: Socket };

/** A reply, or why none will come. */
type Reply = { response: string; responseCode: number } | { code: string };

/** Connections that are idle, or whose server is silent, are closed after this many milliseconds. */
const SILENCE_MS = 60_000;
const MOST_REPLY = 100_000;

/** How long the server may take for an answer in total, in milliseconds, even if it drips it out (a reply may have many lines); well within the lease of a call. */
const ANSWER_MS = 120_000;

const RESET = 'RSET\r\n';
const DATA = 'DATA\r\n';

/** The private members of nodemailer's connection that are used once the handshake is over. */
interface Opened {
  allowsAuth: boolean;
  _socket: Socket;
  _supportedExtensions: readonly string[];
}

/**
 * A connection that sends messages one after the other (RFC 5321). nodemailer opens it (greeting, TLS, login). From then on it is ours, to make
 * messages cheap: one write takes a message's text and, if the server pipelines (RFC 2920), the next one's envelope.
 */
export class SmtpSession {
  isOpen = true;
  /** Whether the server takes the next message's envelope together with a text. */
  readonly pipelining: boolean;
  private readonly utf8: boolean;
  private readonly waiting: ((reply: Reply) => void)[] = [];
  private heard = '';
  private patience: NodeJS.Timeout | null = null;
  /** Whether a mail transaction may still be open at the server. */
  private unended = false;

  private constructor(
    private readonly socket: Socket,
    extensions: readonly string[],
    private readonly answerMs: number,
  ) {
    this.pipelining = extensions.includes('PIPELINING');
    this.utf8 = extensions.includes('SMTPUTF8');
    socket.on('data', (chunk: Buffer) => this.hear(chunk.toString('latin1')));
    socket.on('timeout', () => this.end('ETIMEDOUT'));
    socket.on('error', () => this.end('ESOCKET'));
    socket.on('close', () => this.end('ECONNECTION'));
    socket.setTimeout(SILENCE_MS);
  }

  /** @throws SmtpError */
  static open(options: SmtpOptions, login: SmtpLogin | null, answerMs = ANSWER_MS): Promise<SmtpSession> {
    return new Promise((resolve, reject) => {
      const connection = new SMTPConnection(options);
      const opened = connection as unknown as Opened;
      const done = (error?: Error | null): void => {
        if (error) {
          reject(error);
          return connection.close();
        }
        for (const event of ['data', 'timeout']) opened._socket.removeAllListeners(event);
        resolve(new SmtpSession(opened._socket, opened._supportedExtensions, answerMs));
      };
      connection.on('error', done); // stays on: later errors of the socket reach our own listeners
      connection.once('end', () => reject(Object.assign(new Error('The connection was closed'), { code: 'ECONNECTION' })));
      connection.connect((error) => {
        if (error || login === null || !opened.allowsAuth) return done(error);
        connection.login({ credentials: login }, done);
      });
    });
  }

  /** Sends the envelope, and asks to send the text. @returns null when the server waits for it */
  async offer(letter: Letter): Promise<SmtpError | null> {
    const commands = this.envelope(letter);
    if (commands === null) return { code: 'EENVELOPE' };
    if (this.pipelining) {
      const replies = this.expect(commands.length);
      this.write(commands.join(''));
      return this.judge(commands, await replies);
    }
    const replies: Reply[] = [];
    for (const command of commands) {
      const reply = this.expect(1);
      this.write(command);
      replies.push(...(await reply));
      if (!isPositive(replies.at(-1)!)) break;
    }
    return this.judge(commands, replies);
  }

  /**
   * Sends the text of the message that was offered. From here on it may have been taken, until the server says that it was not.
   *
   * @param next offered in the same write; only over a connection that is {@link pipelining}
   */
  deliver({ text }: Letter, next: Letter | null): { taken: Promise<SmtpError | null>; offered: Promise<SmtpError | null> | null } {
    const taken = this.expect(1).then(([reply]) => failureOf(reply!, 'EMESSAGE'));
    this.unended = false;
    const commands = next === null ? [] : this.envelope(next);
    const replies = this.expect(commands?.length ?? 0);
    // A line that begins with a dot gets another in front (RFC 5321 §4.5.2).
    this.write(`${text.replaceAll('\r\n.', '\r\n..')}.\r\n${commands?.join('') ?? ''}`);
    const offered = async (): Promise<SmtpError | null> => (commands === null ? { code: 'EENVELOPE' } : this.judge(commands, await replies));
    return { taken, offered: next === null ? null : offered() };
  }

  /** Quits if nothing is under way, else hangs up. */
  end(code = 'ECONNECTION'): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.rest();
    if (this.waiting.length === 0 && !this.unended && !this.socket.destroyed) this.socket.end('QUIT\r\n');
    else this.socket.destroy();
    for (const tell of this.waiting.splice(0)) tell({ code });
  }

  /** The commands that open a message's transaction; null when an address is empty, would inject a command, or is not ASCII and the server lacks SMTPUTF8. */
  private envelope({ from, to }: Letter): string[] | null {
    if (/[\r\n<>]/.test(from + to) || to === '' || (!this.utf8 && isForeign(from + to))) return null; // RFC 6531 §3.1
    const reset = this.unended ? [RESET] : [];
    this.unended = true;
    return [...reset, `MAIL FROM:<${from}>${isForeign(from + to) ? ' SMTPUTF8' : ''}\r\n`, `RCPT TO:<${to}>\r\n`, DATA];
  }

  private judge(commands: readonly string[], replies: readonly Reply[]): SmtpError | null {
    const refused = replies.findIndex((reply, at) => !isPositive(reply) || (commands[at] === DATA && !isGoOn(reply)));
    if (refused === -1) return null;
    const isReset = commands[refused] === RESET;
    if (isReset || isPositive(replies.at(-1)!)) this.end(); // it is no longer usable, or waits for a text that has no recipient
    return isReset || isPositive(replies[refused]!) ? { code: 'EPROTOCOL' } : failureOf(replies[refused]!, 'EENVELOPE');
  }

  private expect(count: number): Promise<Reply[]> {
    if (!this.isOpen) return Promise.resolve(Array.from({ length: count }, () => ({ code: 'ECONNECTION' })));
    if (count > 0) this.patience ??= setTimeout(() => this.end('ETIMEDOUT'), this.answerMs);
    return Promise.all(Array.from({ length: count }, () => new Promise<Reply>((resolve) => void this.waiting.push(resolve))));
  }

  /** Stops the timer: no answer is awaited. */
  private rest(): void {
    if (this.patience !== null) clearTimeout(this.patience);
    this.patience = null;
  }

  private write(data: string): void {
    if (this.isOpen) this.socket.write(data, 'utf8');
  }

  private hear(chunk: string): void {
    this.heard += chunk;
    if (this.heard.length > MOST_REPLY) return this.end('EPROTOCOL');
    let from = 0;
    for (let begin = 0, end = this.heard.indexOf('\n'); end !== -1; begin = end + 1, end = this.heard.indexOf('\n', begin)) {
      if (this.heard[begin + 3] === '-') continue; // more lines of the same reply follow
      const response = this.heard.slice(from, end).trim();
      from = end + 1;
      if (response === '') continue;
      const tell = this.waiting.shift();
      tell?.({ response, responseCode: Number.parseInt(response, 10) || 0 });
      if (tell === undefined || response.startsWith('421')) return this.end(); // the reply is unsolicited, or the server is closing
    }
    this.heard = this.heard.slice(from);
    if (this.waiting.length === 0) this.rest();
  }
}

const isForeign = (address: string): boolean => /\P{ASCII}/u.test(address);

const isGoOn = (reply: Reply): boolean => 'response' in reply && reply.responseCode < 400 && reply.responseCode >= 300;

const isPositive = (reply: Reply): boolean => 'response' in reply && reply.responseCode >= 200 && reply.responseCode < 400;

const failureOf = (reply: Reply, code: string): SmtpError | null => (isPositive(reply) ? null : { code, ...reply });

import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

/** Says what the server answers to a recipient: an error with a reply code, or nothing to take the message. */
export type Reaction = (address: string) => { responseCode: number; message: string } | undefined;

export interface TestSmtp {
  url: string;
  port: number;
  /** Envelope recipients of the messages that were taken, one entry a message. */
  recipients: string[];
  /** The messages, parsed, oldest first. */
  mails(): Promise<ParsedMail[]>;
  mailTo(address: string): Promise<ParsedMail>;
  /** At RCPT TO. */
  refuse?: Reaction;
  /** After the whole text. */
  refuseText?: Reaction;
  /** Called with the recipient when the whole text is there and nothing was answered yet. */
  beforeReply?: (address: string, session: SMTPServerSession) => Promise<void> | void;
  /** Drops the connection of a session without a word. */
  drop(session: SMTPServerSession): void;
  close(): Promise<void>;
}

/** A real SMTP server on a free port of the loopback, without TLS or login. Without their texts, it tells only whom messages were for. */
export async function startSmtp(port = 0, { keepTexts = true } = {}): Promise<TestSmtp> {
  const raw: { to: string; text: Buffer }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (address, _session, callback) => callback(failure(smtp.refuse?.(address.address))),
    onData: (stream, session, callback) => {
      void take(stream, session).then(() => callback(), callback);
    },
  });
  const take = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const text = Buffer.concat(await stream.toArray());
    const to = session.envelope.rcptTo.map(({ address }) => address).join(',');
    const refused = failure(smtp.refuseText?.(to));
    if (refused) throw refused;
    if (keepTexts) raw.push({ to, text });
    smtp.recipients.push(to);
    await smtp.beforeReply?.(to, session);
  };
  server.on('error', () => undefined); // a dropped connection is what some tests are about
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { connections } = server as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> };
  const smtp: TestSmtp = {
    port: (server.server.address() as AddressInfo).port,
    get url() {
      return `smtp://127.0.0.1:${this.port}`;
    },
    recipients: [],
    mails: () => Promise.all(raw.map(({ text }) => simpleParser(text))),
    mailTo: async (address) => {
      const found = raw.find(({ to }) => to === address);
      if (found === undefined) throw new Error(`No mail to ${address}`);
      return simpleParser(found.text);
    },
    drop: (session) => {
      for (const connection of connections) if (connection.id === session.id) connection._socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection._socket.destroy(); // a client's idle ones would be waited for
      }),
  };
  return smtp;
}

const failure = (reply: { responseCode: number; message: string } | undefined): Error | null =>
  reply === undefined ? null : Object.assign(new Error(reply.message), { responseCode: reply.responseCode });

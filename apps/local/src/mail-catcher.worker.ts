import { buffer } from 'node:stream/consumers';
import { parentPort, workerData } from 'node:worker_threads';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { createInbox } from './mail-inbox.js';
import { Mailbox } from './mailbox.js';
import { listenFrom } from './ports.js';

const { host, smtpPort, uiPort } = workerData as { host: string; smtpPort: number; uiPort: number };

const mailbox = new Mailbox();
const smtp = new SMTPServer({
  authOptional: true,
  allowInsecureAuth: true,
  onAuth: ({ username }, _session, callback) => callback(null, { user: username }),
  // If advertised, clients would use it and refuse our certificate.
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  size: 25 * 1024 * 1024,
  // A sender's connections may be idle between two campaigns.
  socketTimeout: 10 * 60_000,
  onData: (stream, session, callback) => {
    take(stream, session).then(
      (id) => callback(null, `Caught as ${id}`),
      (error: Error) => callback(error),
    );
  },
});
smtp.on('error', () => undefined); // a client that went away needs no answer

async function take(stream: SMTPServerDataStream, { envelope }: SMTPServerSession): Promise<string> {
  const raw = await buffer(stream);
  if (stream.sizeExceeded) throw Object.assign(new Error('Message too large'), { responseCode: 552 });
  const from = envelope.mailFrom ? envelope.mailFrom.address : '';
  return mailbox.add({ from, to: envelope.rcptTo.map(({ address }) => address), raw }).id;
}

parentPort?.postMessage({
  smtpPort: await listenFrom(smtp.server, smtpPort, host),
  uiPort: await listenFrom(createInbox(mailbox), uiPort, host),
});

/** The baseline of sending: nodemailer with its pool, given each message as anybody would, and left to compose it. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { createTransport } from 'nodemailer';

/** What is sent: the same to everybody, but for where `{{to}}` stands. */
export interface Letter {
  count: number;
  connections: number;
  from: string;
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

async function send({ count, connections, from, subject, html, text, headers }: Letter): Promise<void> {
  const transport = createTransport({ url: process.env.SMTP_URL, pool: true, maxConnections: connections, maxMessages: Infinity } as Parameters<typeof createTransport>[0]);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const to = `guest${next++}@example.com`;
      const own = (words: string): string => words.replaceAll('{{to}}', to);
      await transport.sendMail({ from, to, subject: own(subject), html: own(html), text: own(text), headers });
    }
  };
  await Promise.all(Array.from({ length: connections * 2 }, work)); // the next is composed while each connection waits
  transport.close();
}

createServer((request, response) => {
  if (request.method !== 'POST') return void response.end('ok');
  void json(request).then((letter) => send(letter as Letter)).then(() => response.end('sent'), (error: unknown) => response.writeHead(500).end(String(error)));
}).listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => process.exit());

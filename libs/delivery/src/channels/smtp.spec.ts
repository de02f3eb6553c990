import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { EmailMessage } from '../message.js';
import { Slotted } from '../slotted.js';
import { SmtpChannel } from './smtp.js';
import { SmtpSession } from './smtp-session.js';

const STAGES = ['connect', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'text', 'final dot'] as const;
type Stage = (typeof STAGES)[number];

const REPLIES: Record<string, string> = { EHLO: '250-here\r\n250 AUTH PLAIN', AUTH: '235 welcome', MAIL: '250 ok', RCPT: '250 ok', DATA: '354 go on', RSET: '250 ok', QUIT: '221 bye' };

/** A server that speaks RFC 5321 until a message reaches `stage`: there it answers nothing and hangs up. The messages before the `nth` pass. */
async function serve(stage: Stage | null, nth: number, replies = REPLIES) {
  let messages = 0;
  const talk = async (socket: Socket): Promise<void> => {
    socket.on('error', () => undefined);
    const at = (reached: Stage): boolean => reached === stage && messages + 1 >= nth;
    if (at('connect')) return void socket.destroy();
    socket.write('220 here\r\n');
    let text = false;
    for await (const line of createInterface(socket)) {
      const verb = line.split(' ', 1)[0]!.toUpperCase();
      if (at(text ? (line === '.' ? 'final dot' : 'text') : (verb as Stage))) return void socket.destroy();
      if (text && line !== '.') continue;
      if (text) messages++;
      socket.write(text ? `${replies.text ?? '250 taken'}\r\n` : `${replies[verb]}\r\n`);
      text = !text && verb === 'DATA';
    }
  };
  const server = createServer((socket) => void talk(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `smtp://user:password@127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

const email: EmailMessage = {
  deliveryId: 'dlv_1', from: { email: 'hello@trattoria.example', name: null, replyTo: null, postalAddress: '' }, to: 'ada@example.com', subject: 'Hello', text: 'Hello',
  html: { template: Slotted.of((slot) => `<p>${slot('body')}</p>`), values: { body: 'Hello' } }, unsubscribeUrl: 'https://trattoria.example/u',
};

describe.each([1, 2])('a server that hangs up on message %i of a connection', (nth) => {
  test.each(STAGES)('at %s', async (stage) => {
    const server = await serve(stage, nth);
    const channel = new SmtpChannel(server.url);
    try {
      for (let i = 1; i < nth; i++) expect(await channel.send([email])).toEqual([{ status: 'accepted', providerMessageId: '<dlv_1@trattoria.example>' }]);
      const [outcome] = await channel.send([email]);
      const onlyOnce = nth > 1 && ['connect', 'EHLO', 'AUTH'].includes(stage); // the connection is past it
      if (onlyOnce) expect(outcome).toMatchObject({ status: 'accepted' });
      else if (stage === 'text' || stage === 'final dot') expect(outcome).toEqual({ status: 'unknown', reason: expect.stringMatching(/^smtp_e/) });
      else expect(outcome).toEqual({ status: 'retry', reason: expect.stringMatching(/^smtp_e/), reached: false });
    } finally {
      channel.close();
      server.close();
    }
  });
});

test.each([['535 5.7.8 wrong password', 'barred'], ['454 4.7.0 later', 'retry']])('a login that is answered %j: %s', async (reply, status) => {
  const server = await serve(null, 1, { ...REPLIES, AUTH: reply });
  const channel = new SmtpChannel(server.url);
  try {
    expect(await channel.send([email])).toMatchObject([{ status }]);
  } finally {
    channel.close();
    server.close();
  }
});

test.each<[string, Record<string, string>, object]>([
  ['a text that is answered with no word that there is', { text: 'what?' }, { status: 'unknown', reason: 'smtp_0' }],
  ['one answered 999', { text: '999 no' }, { status: 'unknown', reason: 'smtp_999' }],
  ['a server that takes the text before there is one', { DATA: '250 ok' }, { status: 'retry', reason: 'smtp_eprotocol', reached: false }],
])('%s', async (_, replies, outcome) => {
  const server = await serve(null, 1, { ...REPLIES, ...replies });
  const channel = new SmtpChannel(server.url);
  try {
    expect(await channel.send([email])).toEqual([outcome]);
  } finally {
    channel.close();
    server.close();
  }
});

test('an address that is not ASCII needs a server that takes it', async () => {
  const server = await serve(null, 1);
  const channel = new SmtpChannel(server.url);
  try {
    expect(await channel.send([{ ...email, to: 'josé@example.com' }, email])).toEqual([{ status: 'rejected', reason: 'smtp_eenvelope' }, { status: 'accepted', providerMessageId: '<dlv_1@trattoria.example>' }]);
  } finally {
    channel.close();
    server.close();
  }
});

test('an answer that never comes to its end is not waited for', async () => {
  const drip = createServer((socket) => {
    socket.on('error', () => undefined).write('220 here\r\n');
    socket.on('data', (data) => {
      if (data.toString().startsWith('EHLO')) return void socket.write('250 here\r\n');
      const drops = setInterval(() => socket.write('250-wait\r\n'), 20);
      socket.on('close', () => clearInterval(drops));
    });
  }).listen(0, '127.0.0.1');
  await once(drip, 'listening');
  const session = await SmtpSession.open({ host: '127.0.0.1', port: (drip.address() as AddressInfo).port }, null, 200);
  expect(await session.offer({ from: 'a@example.com', to: 'b@example.com', text: 'x\r\n' })).toEqual({ code: 'ETIMEDOUT' });
  expect(session.isOpen).toBe(false);
  drip.close();
});

/**
 * A mail server that takes everything and keeps nothing but the last message: by the bytes, so that it sets nobody's pace.
 * Speaks RFC 5321 with PIPELINING (RFC 2920) on SMTP_PORT; what it took it tells over HTTP.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';

const END = Buffer.from('\r\n.\r\n');
const REPLIES: Record<string, string> = { EHLO: '250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n', DATA: '354 go on\r\n', QUIT: '221 bye\r\n' };

/** Since it was last asked to forget: how many messages, and when the first and the last were taken, in milliseconds. */
let taken = { messages: 0, bytes: 0, first: 0, last: 0 };
let sample = '';

function take(bytes: number): void {
  const now = performance.now();
  if (taken.messages === 0) taken.first = now;
  taken.messages += 1;
  taken.bytes += bytes;
  taken.last = now;
}

function talk(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  let text = false;
  let bytes = 0;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let replies = '';
    for (;;) {
      const end = text ? rest.indexOf(END) : rest.indexOf(10);
      if (end === -1) break;
      if (text) {
        take(bytes + end);
        if (taken.messages === 1) sample = rest.toString('latin1', 0, end);
        rest = rest.subarray(end + END.length);
        bytes = 0;
        text = false;
        replies += '250 taken\r\n';
      } else {
        const verb = rest.toString('latin1', 0, Math.min(end, 4)).toUpperCase();
        rest = rest.subarray(end + 1);
        text = verb === 'DATA';
        replies += REPLIES[verb] ?? '250 ok\r\n';
      }
    }
    if (text && taken.messages > 0 && rest.length >= END.length) {
      bytes += rest.length - END.length + 1;
      rest = rest.subarray(1 - END.length);
    }
    if (replies !== '') socket.write(replies);
  });
  socket.write('220 sink\r\n');
}

createServer(talk).listen(Number(process.env.SMTP_PORT), process.env.HOST);
createHttpServer((request, response) => {
  if (request.url === '/forget') taken = { messages: 0, bytes: 0, first: 0, last: 0 };
  response.end(request.url === '/sample' ? sample : JSON.stringify(taken));
}).listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => process.exit());

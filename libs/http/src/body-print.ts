import { createHash } from 'node:crypto';
import { pipeline, Readable, Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';

/** What tells a body from another: a SHA-256 of it. Asked of a stream, it first reads, and drops, what nobody has read. */
export type BodyPrint = () => Promise<Buffer>;

/** The print of a request's body, and of its query where it has one, which says what is to be done with the body; of a file also of its media type, which may say how it is read. A stream is read by whoever handles the request, once, and hashed as it passes: files have no bound. */
export function printOf(request: FastifyRequest): BodyPrint {
  const { body } = request;
  const hash = createHash('sha256').update(request.url.split('?').slice(1).join('?'));
  if (!(body instanceof Readable)) {
    const digest = hash.update(JSON.stringify(body ?? null)).digest();
    return () => Promise.resolve(digest);
  }
  hash.update(`\n${request.headers['content-type'] ?? ''}\n`);
  const tap = new Transform({
    transform: (bytes: Buffer, _encoding, done) => {
      hash.update(bytes);
      done(null, bytes);
    },
  });
  const digest = finished(tap).then(() => hash.digest());
  digest.catch(() => undefined); // a body that breaks off is its reader's to report
  pipeline(body, tap, () => undefined);
  request.body = tap;
  return () => {
    tap.resume();
    return digest;
  };
}

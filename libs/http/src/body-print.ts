import { createHash } from 'node:crypto';
import { pipeline, Readable, Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';

/** A SHA-256 that tells one body from another. If nobody has read a streamed body, this reads and discards it first. */
export type BodyPrint = () => Promise<Buffer>;

/**
 * The print of a request's query and body; for a file also of its media type, which may say how to read it. A stream is hashed as the handler reads it,
 * since files have no size limit.
 */
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
  digest.catch(() => undefined); // a body that breaks off is reported by its reader
  pipeline(body, tap, () => undefined);
  request.body = tap;
  return () => {
    tap.resume();
    return digest;
  };
}

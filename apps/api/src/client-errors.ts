import { maxHeaderSize, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { toProblem } from '#http';
import { newId, RequestError } from '#kernel';

/** What Node refuses before there is a request (https://nodejs.org/api/http.html#event-clienterror). Any other code: it was no HTTP. */
const ERRORS: Readonly<Record<string, () => RequestError>> = {
  HPE_HEADER_OVERFLOW: () => new RequestError('headers_too_large', { detail: `The request line and the headers may take ${maxHeaderSize / 1024} KiB.` }),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: () => new RequestError('payload_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: () => new RequestError('request_timeout'),
};

/** Answers what the HTTP parser refused like every other fault. Where the next message would begin nobody can tell, so the connection ends. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  // Node's own check, too: into an answer under way, ours would be spliced as if it were part of it.
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: ServerResponse };
  if (!underWay?.headersSent) socket.write(rawProblem(ERRORS[error.code ?? '']?.() ?? new RequestError('validation_failed', { detail: 'The request is not well-formed HTTP/1.1.' })));
  socket.destroySoon();
}

function rawProblem(error: RequestError): string {
  const problem = toProblem(error, '/', newId('req')); // whatever path was asked for is not to be trusted
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${problem.request_id}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

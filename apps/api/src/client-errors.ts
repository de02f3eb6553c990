import { maxHeaderSize, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { toProblem } from '#http';
import { newId, RequestError } from '#kernel';

/** What Node refuses before there is a request (https://nodejs.org/api/http.html#event-clienterror). With any other code, it was not valid HTTP. */
const ERRORS: Readonly<Record<string, () => RequestError>> = {
  HPE_HEADER_OVERFLOW: () => new RequestError('headers_too_large', { detail: `The request line and the headers may take ${maxHeaderSize / 1024} KiB.` }),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: () => new RequestError('payload_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: () => new RequestError('request_timeout'),
};

/** Answers what the HTTP parser refused with a problem, like every other fault. It is unknown where the next message would begin, so the connection ends. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  // Node makes the same check: written into an answer under way, ours would become part of it.
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: ServerResponse };
  if (!underWay?.headersSent) socket.write(rawProblem(ERRORS[error.code ?? '']?.() ?? new RequestError('validation_failed', { detail: 'The request is not well-formed HTTP/1.1.' })));
  socket.destroySoon();
}

function rawProblem(error: RequestError): string {
  const problem = toProblem(error, '/', newId('req')); // the requested path cannot be trusted
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

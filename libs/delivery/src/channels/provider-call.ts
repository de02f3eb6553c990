import { retryAfter } from '#http';
import type { Outcome } from './channel.js';

/** How long a provider may take for one call, in milliseconds. */
const CALL_MS = 30_000;

/** Failures of fetch before a byte of the request was sent: the provider cannot have taken anything. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT', 'ECONNECTTIMEOUT', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID']);

/** How much of an answer is read, once decompressed; providers' answers are short. */
const MOST_BYTES = 64 * 1024;

/** A provider's answer, or why there is none; `outcome` is what it means for the messages of the call. */
export type Answer = { ok: true; headers: Headers; body: string } | { ok: false; status: number | null; body: string; outcome: Refusal };

export interface ProviderRequest {
  method: string;
  headers: Record<string, string>;
  body: string | Buffer;
}

const directly = (url: string, init: ProviderRequest & { signal: AbortSignal }): Promise<Response> => fetch(url, { ...init, body: init.body as string, redirect: 'manual' });

export type Refusal = Exclude<Outcome, { status: 'accepted' | 'uncalled' }>;

/**
 * One call to a provider over HTTP, and what its answer means for a message (RFC 9110 §15). 429, and 503 with a Retry-After, say "later";
 * 401, 403 and 407 refuse us; other 4xx refuse the message. After any other answer, or none to a request that was sent, the outcome is unknown.
 *
 * @param provider prefix of the reasons, such as `sendgrid`
 * @param send how to fetch; not directly where a tenant names the host
 */
export async function call(provider: string, url: string, request: ProviderRequest, send: (url: string, init: ProviderRequest & { signal: AbortSignal }) => Promise<Response> = directly): Promise<Answer> {
  try {
    const response = await send(url, { ...request, signal: AbortSignal.timeout(CALL_MS) });
    const body = await beginningOf(response);
    if (response.ok) return { ok: true, headers: response.headers, body };
    return { ok: false, status: response.status, body, outcome: refusal(provider, response) };
  } catch (error) {
    const code = codeOf(error);
    const reason = `${provider}_${code.toLowerCase()}`;
    if (code === 'ETARGETREFUSED') return { ok: false, status: null, body: '', outcome: { status: 'barred', reason } };
    return { ok: false, status: null, body: '', outcome: NEVER_SENT.has(code) ? { status: 'retry', reason, reached: false } : { status: 'unknown', reason } };
  }
}

function refusal(provider: string, { status, headers }: Response): Refusal {
  const reason = `${provider}_${status}`;
  if (status === 429 || (status === 503 && headers.has('retry-after'))) return { status: 'retry', reason, reached: true, pauseMs: retryAfter(headers.get('retry-after'), new Date()) };
  if (status === 401 || status === 403 || status === 407) return { status: 'barred', reason };
  return status >= 400 && status < 500 ? { status: 'rejected', reason } : { status: 'unknown', reason };
}

/** The first bytes of an answer, without waiting for the rest. */
async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break; // which cancels the rest
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8');
}

/** A provider's id or code, in a form that the ledger can store; null if there is none. */
export const plain = (given: unknown): string | null => (/^[\x21-\x7e]{1,200}$/.test(String(given)) && (typeof given === 'string' || typeof given === 'number') ? String(given) : null);

/** fetch says only that it failed; the reason is in the cause. */
function codeOf(error: unknown): string {
  const { name, code, cause } = error as { name?: string; code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return name === 'TimeoutError' || !cause ? (name ?? 'error') : codeOf(cause);
}

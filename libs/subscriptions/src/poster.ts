import { Injectable } from '@nestjs/common';
import { Histogram } from 'prom-client';
import { Outbound, retryAfter, webhookHeaders } from '#http';

/** How long a receiver may take to answer, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** What is kept of an answer, in characters. */
const KEPT = 500;

const duration = new Histogram({
  name: 'event_attempt_duration_seconds',
  help: 'Time of one attempt to tell a subscriber of an event, by its outcome.',
  labelNames: ['outcome'],
  buckets: [0.05, 0.1, 0.5, 1, 5, 15],
});

/** The result of one attempt to post a message. */
export interface Posted {
  /** Null when there was no answer; then `error` says why. */
  statusCode: number | null;
  error: string | null;
  durationMs: number;
  /** How the answer begins. */
  answer: string;
  /** How long the receiver asks us to wait, in milliseconds. */
  retryAfter: number;
}

/** Whether the receiver accepted it. */
export const isArrival = (statusCode: number | null): boolean => statusCode !== null && statusCode >= 200 && statusCode < 300;

/** Posts messages to where tenants want them. */
@Injectable()
export class Poster {
  constructor(private readonly outbound: Outbound) {}

  async post(url: string, secrets: readonly string[], id: string, body: string): Promise<Posted> {
    const started = performance.now();
    const since = (): number => Math.round(performance.now() - started);
    const end = duration.startTimer();
    try {
      const headers = { 'user-agent': 'marketing-crm-api', ...webhookHeaders(secrets, id, body) };
      const response = await this.outbound.fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const posted: Posted = { statusCode: response.status, error: null, durationMs: since(), answer: beginningOf(await response.text()), retryAfter: response.ok ? 0 : retryAfter(response.headers.get('retry-after'), new Date()) };
      end({ outcome: isArrival(posted.statusCode) ? 'arrived' : 'refused' });
      return posted;
    } catch (error) {
      end({ outcome: 'failed' });
      return { statusCode: null, error: nameOf(error), durationMs: since(), answer: '', retryAfter: 0 };
    }
  }
}

/** The beginning of an answer, as PostgreSQL can store it. */
const beginningOf = (text: string): string => text.slice(0, KEPT).replaceAll('\u0000', '\ufffd').toWellFormed();

function nameOf(error: unknown): string {
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === 'AbortError' || name === 'TimeoutError') return 'timeout';
  if (code === 'ETARGETREFUSED') return 'target_refused';
  return typeof code === 'string' ? code.toLowerCase() : 'failed';
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Env } from '#config';
import { Clock, RequestError } from '#kernel';

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** A token bucket per tenant: RATE_LIMIT_RPS per second, with a burst of one second's worth. Each process counts for itself, so n processes allow n times as much. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly buckets = new Map<number, Bucket>();

  constructor(
    private readonly env: Env,
    private readonly clock: Clock,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const rate = this.env.RATE_LIMIT_RPS;
    const http = context.switchToHttp();
    const tenant = http.getRequest<FastifyRequest>().principal?.tenant;
    if (rate === 0 || tenant === undefined) return true;
    const now = this.clock.now().getTime();
    const bucket = this.buckets.get(tenant.id) ?? { tokens: rate, filledAt: now };
    bucket.tokens = Math.min(rate, bucket.tokens + (Math.max(0, now - bucket.filledAt) * rate) / 1000);
    bucket.filledAt = now;
    this.buckets.set(tenant.id, bucket);
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    // draft-ietf-httpapi-ratelimit-headers: r requests remain, t seconds until the bucket is full again
    const reply = http.getResponse<FastifyReply>();
    void reply.header('ratelimit-policy', `"tenant";q=${rate};w=1`);
    void reply.header('ratelimit', `"tenant";r=${Math.floor(bucket.tokens)};t=1`);
    if (!allowed) throw new RequestError('rate_limited', { retryAfter: 1 });
    return true;
  }
}

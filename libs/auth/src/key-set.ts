import { createPublicKey, type KeyObject } from 'node:crypto';
import { JwksClient } from 'jwks-rsa';
import { type Clock, RequestError } from '#kernel';

/** Milliseconds after which a withdrawn key stops working. */
const MAX_AGE = 600_000;
/** Milliseconds between two fetches for unknown keys: otherwise made-up key ids would make us call the provider at the sender's pace. */
const COOLDOWN = 30_000;
/** Seconds between two fetches while they fail: nobody waits for a provider that is down, nor calls it at the pace of our callers. */
const RETRY_AFTER = 5;

/** The identity provider's public keys (RFC 7517). Fetched as a whole set, so that made-up key ids do not slow down tokens with real ones. */
export class KeySet {
  private readonly client: JwksClient;
  private keys = new Map<string, KeyObject>();
  private fetchedAt = -Infinity;
  private failedAt = -Infinity;
  private fetching: Promise<void> | null = null;

  constructor(
    jwksUri: string,
    private readonly clock: Clock,
  ) {
    this.client = new JwksClient({ jwksUri, cache: false, timeout: 5_000 });
  }

  /**
   * @param kid if undefined, the set's only key is meant
   * @returns null when there is no such key
   * @throws RequestError unavailable while the set cannot be fetched
   */
  async find(kid: string | undefined): Promise<KeyObject | null> {
    const now = this.clock.now().getTime();
    const age = now - this.fetchedAt;
    if (age > MAX_AGE || (age > COOLDOWN && this.known(kid) === null)) {
      if (now - this.failedAt < RETRY_AFTER * 1000) throw unreachable();
      await (this.fetching ??= this.fetch().finally(() => (this.fetching = null)));
    }
    return this.known(kid);
  }

  private known(kid: string | undefined): KeyObject | null {
    if (kid !== undefined) return this.keys.get(kid) ?? null;
    return this.keys.size === 1 ? [...this.keys.values()][0]! : null;
  }

  private async fetch(): Promise<void> {
    try {
      const keys = await this.client.getSigningKeys();
      this.keys = new Map(keys.map((key) => [key.kid, createPublicKey(key.getPublicKey())]));
      this.fetchedAt = this.clock.now().getTime();
    } catch {
      this.failedAt = this.clock.now().getTime();
      throw unreachable();
    }
  }
}

const unreachable = (): RequestError => new RequestError('unavailable', { detail: 'The key set that verifies tokens cannot be reached.', retryAfter: RETRY_AFTER });

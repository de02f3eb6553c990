import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { type DeliveryKey, KEY_BYTES, keyBytes, readKey } from './delivery-id.js';

/** What a link of a message does; part of what is signed, so that no token serves for another purpose. */
export type TokenKind = 'o' | 'c' | 'u';

/** 128 bits: as many as a forger would have to guess online. */
const MAC_BYTES = 16;

/** Of an address; see Suppressions. */
const HASH_BYTES = 32;

const PAYLOAD_BYTES = KEY_BYTES + 2;

export interface TrackingTarget {
  key: DeliveryKey;
  /** Which link of the mailing; 0 where it does not matter. */
  linkNo: number;
  /** The hash of the address that the message was sent to, in links that unsubscribe. */
  addressHash?: Buffer;
}

/** Where a message's links lead. */
export type MessageLinks = Pick<TrackingTokens, 'url' | 'unsubscribeUrl'>;

/** Links of the very length that a message's have, which lead nowhere: to see what a message comes to that nobody gets. */
export function blankLinks(base: string): MessageLinks {
  const token = (payload: number): string => Buffer.alloc(payload + MAC_BYTES).toString('base64url');
  const [tracked, unsubscribes] = [token(PAYLOAD_BYTES), token(PAYLOAD_BYTES + HASH_BYTES)];
  return { url: (kind) => addressOf(base, kind, tracked), unsubscribeUrl: () => addressOf(base, 'u', unsubscribes) };
}

const addressOf = (base: string, kind: TokenKind, token: string): string => `${base}/t/${kind}/${token}${kind === 'o' ? '.gif' : ''}`;

/**
 * Signs what a message's links carry: the ledger's key and the link's number, HMAC-SHA256 truncated to 128 bits (RFC 2104 §5), base64url.
 *
 * A link that unsubscribes carries the hash of the address, too: so it opts out the address that the message was sent to whatever
 * became of the customer, and nothing of an erased one need be kept for it. The hash is covered by a mask of its message: two links do
 * not tell who collects them that they went to one address.
 */
@Injectable()
export class TrackingTokens {
  /** Made into a key object once: with the bare bytes an HMAC takes five times as long. */
  private readonly secret: KeyObject;
  private readonly base: string;

  constructor(secrets: Secrets, env: Env) {
    this.secret = createSecretKey(secrets.key('tracking'));
    this.base = env.PUBLIC_URL;
  }

  /** The address of the link, as it stands in a message. */
  url(kind: Exclude<TokenKind, 'u'>, key: DeliveryKey, linkNo = 0): string {
    return addressOf(this.base, kind, this.sign(kind, { key, linkNo }));
  }

  unsubscribeUrl(key: DeliveryKey, addressHash: Buffer): string {
    return addressOf(this.base, 'u', this.sign('u', { key, linkNo: 0, addressHash }));
  }

  sign(kind: TokenKind, { key, linkNo, addressHash }: TrackingTarget): string {
    const plain = Buffer.concat([keyBytes(key), Buffer.of(linkNo >> 8, linkNo & 255)]);
    const payload = addressHash === undefined ? plain : Buffer.concat([plain, this.masked(plain, addressHash)]);
    return Buffer.concat([payload, this.mac(kind, payload)]).toString('base64url');
  }

  /** Null for every token that is not ours, letter by letter. */
  read(kind: TokenKind, token: string): TrackingTarget | null {
    const bytes = Buffer.from(token, 'base64url');
    const length = PAYLOAD_BYTES + (kind === 'u' ? HASH_BYTES : 0);
    if (bytes.length !== length + MAC_BYTES || bytes.toString('base64url') !== token) return null;
    const payload = bytes.subarray(0, length);
    if (!timingSafeEqual(bytes.subarray(payload.length), this.mac(kind, payload))) return null;
    const key = readKey(payload.subarray(0, KEY_BYTES));
    if (key === null) return null;
    const linkNo = payload.readUInt16BE(KEY_BYTES);
    return kind === 'u' ? { key, linkNo, addressHash: this.masked(payload.subarray(0, PAYLOAD_BYTES), payload.subarray(PAYLOAD_BYTES)) } : { key, linkNo };
  }

  /** Its own inverse. */
  private masked(plain: Buffer, hash: Buffer): Buffer {
    const mask = createHmac('sha256', this.secret).update('mask').update(plain).digest();
    return Buffer.from(hash.map((byte, at) => byte ^ mask[at]!));
  }

  private mac(kind: TokenKind, payload: Buffer): Buffer {
    return createHmac('sha256', this.secret).update(kind).update(payload).digest().subarray(0, MAC_BYTES);
  }
}

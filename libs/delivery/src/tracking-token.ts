import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { type DeliveryKey, KEY_BYTES, keyBytes, readKey } from './delivery-id.js';

/** What a link of a message does; part of what is signed, so that no token serves for another purpose. */
export type TokenKind = 'o' | 'c' | 'u';

/** Letters of base64url, 132 bits: as many as a forger would have to guess online. */
const MAC_LETTERS = 22;

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
  const token = (payload: number): string => Buffer.alloc(payload).toString('base64url').padEnd(lettersOf(payload) + MAC_LETTERS, 'A');
  const [tracked, unsubscribes] = [token(PAYLOAD_BYTES), token(PAYLOAD_BYTES + HASH_BYTES)];
  return { url: (kind) => addressOf(base, kind, tracked), unsubscribeUrl: () => addressOf(base, 'u', unsubscribes) };
}

const lettersOf = (bytes: number): number => Math.ceil((bytes * 4) / 3);

const addressOf = (base: string, kind: TokenKind, token: string): string => `${base}/t/${kind}/${token}${kind === 'o' ? '.gif' : ''}`;

/**
 * Signs what a message's links carry, the ledger's key and the link's number: base64url, and then a MAC of that very text. A key before the message makes
 * SHA-3 a MAC (https://keccak.team/keccak_strengths.html); as one call, and a string, it takes a quarter of the time of an HMAC, of which a message has a dozen.
 *
 * A link that unsubscribes carries the hash of the address, too: so it opts out the address that the message was sent to whatever
 * became of the customer, and nothing of an erased one need be kept for it. The hash is covered by a mask of its message: two links do
 * not tell who collects them that they went to one address.
 */
@Injectable()
export class TrackingTokens {
  private readonly secret: string;
  private readonly base: string;

  constructor(secrets: Secrets, env: Env) {
    this.secret = secrets.key('tracking').toString('base64url');
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
    const payload = (addressHash === undefined ? plain : Buffer.concat([plain, this.masked(plain, addressHash)])).toString('base64url');
    return payload + this.mac(kind, payload);
  }

  /** Null for every token that is not ours, letter by letter. */
  read(kind: TokenKind, token: string): TrackingTarget | null {
    const letters = lettersOf(PAYLOAD_BYTES + (kind === 'u' ? HASH_BYTES : 0));
    if (!/^[\w-]+$/.test(token) || token.length !== letters + MAC_LETTERS) return null;
    if (!timingSafeEqual(Buffer.from(token.slice(letters)), Buffer.from(this.mac(kind, token.slice(0, letters))))) return null;
    const payload = Buffer.from(token.slice(0, letters), 'base64url');
    const key = readKey(payload.subarray(0, KEY_BYTES));
    if (key === null) return null;
    const linkNo = payload.readUInt16BE(KEY_BYTES);
    return kind === 'u' ? { key, linkNo, addressHash: this.masked(payload.subarray(0, PAYLOAD_BYTES), payload.subarray(PAYLOAD_BYTES)) } : { key, linkNo };
  }

  /** Its own inverse. */
  private masked(plain: Buffer, addressHash: Buffer): Buffer {
    const mask = hash('sha3-256', `${this.secret}mask${plain.toString('base64url')}`, 'buffer');
    return Buffer.from(addressHash.map((byte, at) => byte ^ mask[at]!));
  }

  private mac(kind: TokenKind, payload: string): string {
    return hash('sha3-256', this.secret + kind + payload, 'base64url').slice(0, MAC_LETTERS);
  }
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env, Secrets } from '#config';
import { type DeliveryKey, KEY_BYTES, keyBytes, readKey } from './delivery-id.js';

/** What a link of a message does; part of what is signed, so that no token serves for another purpose. */
export type TokenKind = 'o' | 'c' | 'u';

/** 128 bits: as many as a forger would have to guess online. */
const MAC_BYTES = 16;

export interface TrackingTarget {
  key: DeliveryKey;
  /** Which link of the mailing; 0 where it does not matter. */
  linkNo: number;
}

/** Signs what a message's links carry: the ledger's key and the link's number, HMAC-SHA256 truncated to 128 bits (RFC 2104 §5), base64url. */
@Injectable()
export class TrackingTokens {
  private readonly secret: Buffer;
  private readonly base: string;

  constructor(secrets: Secrets, env: Env) {
    this.secret = secrets.key('tracking');
    this.base = env.PUBLIC_URL;
  }

  /** The address of the link, as it stands in a message. */
  url(kind: TokenKind, key: DeliveryKey, linkNo = 0): string {
    return `${this.base}/t/${kind}/${this.sign(kind, key, linkNo)}${kind === 'o' ? '.gif' : ''}`;
  }

  sign(kind: TokenKind, key: DeliveryKey, linkNo: number): string {
    const payload = Buffer.concat([keyBytes(key), Buffer.of(linkNo >> 8, linkNo & 255)]);
    return Buffer.concat([payload, this.mac(kind, payload)]).toString('base64url');
  }

  /** Null for every token that is not ours, letter by letter. */
  read(kind: TokenKind, token: string): TrackingTarget | null {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== KEY_BYTES + 2 + MAC_BYTES || bytes.toString('base64url') !== token) return null;
    const payload = bytes.subarray(0, KEY_BYTES + 2);
    if (!timingSafeEqual(bytes.subarray(payload.length), this.mac(kind, payload))) return null;
    const key = readKey(payload.subarray(0, KEY_BYTES));
    return key === null ? null : { key, linkNo: payload.readUInt16BE(KEY_BYTES) };
  }

  private mac(kind: TokenKind, payload: Buffer): Buffer {
    return createHmac('sha256', this.secret).update(kind).update(payload).digest().subarray(0, MAC_BYTES);
  }
}

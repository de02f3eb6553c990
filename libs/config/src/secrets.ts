import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env } from './env.js';

/** The 32 bytes of SECRETS_KEY, written as hex or base64(url). */
const rootKey = (text: string): Buffer => Buffer.from(text, /^[0-9a-fA-F]{64}$/.test(text) ? 'hex' : 'base64');

/**
 * Keys of the deployment. Every purpose has a key of its own derived from SECRETS_KEY (HKDF-SHA256, RFC 5869), so that
 * a signed link can never pass for a suppression hash.
 */
@Injectable()
export class Secrets {
  private readonly root: Buffer;
  private readonly keys = new Map<string, Buffer>();

  constructor(env: Env) {
    this.root = rootKey(env.SECRETS_KEY);
  }

  /** A 32-byte key for the purpose, the same on every process of the deployment. */
  key(purpose: string): Buffer {
    let key = this.keys.get(purpose);
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', this.root, '', purpose, 32));
      this.keys.set(purpose, key);
    }
    return key;
  }

  /**
   * Encrypts a credential for the database: AES-256-GCM, a random 96-bit nonce, laid out as nonce | tag | ciphertext.
   *
   * @param context bound as additional data, such as the tenant and the column, so that a row copied elsewhere does not open
   */
  seal(plaintext: string, context: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key('credentials'), nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** @throws Error when the bytes were altered, belong to another context, or were sealed under another SECRETS_KEY */
  open(sealed: Buffer, context: string): string {
    const decipher = createDecipheriv('aes-256-gcm', this.key('credentials'), sealed.subarray(0, 12))
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
  }
}

import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Most bytes of payload: what a push service must accept, less the header, the tag and the delimiter (RFC 8291 §4). */
export const MOST_BYTES = 4_096 - 86 - 16 - 1;

/** What the browser generated for its subscription, in base64url: its P-256 public key and a shared secret. */
export interface PushKeys {
  p256dh: string;
  auth: string;
}

/**
 * Encrypts a push message for one browser, as one record of aes128gcm (RFC 8291, RFC 8188), so that nobody in between can read it.
 *
 * @param fresh random values, new for every message; only tests pass them
 * @returns the request's body
 * @throws Error when the keys are invalid
 */
export function encryptPush(payload: string, { p256dh, auth }: PushKeys, fresh: { salt: Buffer; privateKey?: Buffer } = { salt: randomBytes(16) }): Buffer {
  const sender = createECDH('prime256v1');
  if (fresh.privateKey === undefined) sender.generateKeys();
  else sender.setPrivateKey(fresh.privateKey);
  const [theirs, ours] = [Buffer.from(p256dh, 'base64url'), sender.getPublicKey()];
  const derive = (secret: Buffer, salt: Buffer, info: readonly (string | Buffer)[], length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, salt, Buffer.concat(info.map((part) => Buffer.from(part as string))), length));
  const secret = derive(sender.computeSecret(theirs), Buffer.from(auth, 'base64url'), ['WebPush: info\0', theirs, ours], 32);
  const key = derive(secret, fresh.salt, ['Content-Encoding: aes128gcm\0'], 16);
  const nonce = derive(secret, fresh.salt, ['Content-Encoding: nonce\0'], 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const record = Buffer.concat([cipher.update(payload, 'utf8'), cipher.update(Buffer.of(2)), cipher.final(), cipher.getAuthTag()]); // 2: the last record
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4_096);
  return Buffer.concat([fresh.salt, size, Buffer.of(ours.length), ours, record]);
}

import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { type ProviderAnswer, startProvider, type TestProvider } from './provider.js';

/** A browser that subscribed. */
interface Browser {
  keys: ECDH;
  auth: Buffer;
}

export interface TestPushService extends TestProvider {
  /** Subscribes a new browser. @returns what it tells the site */
  subscribe(name: string): { endpoint: string; keys: { p256dh: string; auth: string } };
  /** What browsers were shown, oldest first. */
  shown: { browser: string; topic: string; message: Record<string, unknown> }[];
  /** Who signed what came, by RFC 8292. */
  senders: Set<string>;
  react: (browser: string) => 'take' | ProviderAnswer;
}

/** A push service and its browsers: takes what RFC 8030 and 8292 have it take, and the browsers read it by RFC 8291. */
export async function startPushService(): Promise<TestPushService> {
  const browsers = new Map<string, Browser>();
  const provider = await startProvider((request, body) => {
    const name = /^\/push\/(.+)$/.exec(request.url ?? '')?.[1] ?? '';
    const browser = browsers.get(name);
    if (request.method !== 'POST' || browser === undefined) return { status: 404 };
    const { ttl, topic, 'content-encoding': encoding, authorization } = request.headers;
    if (encoding !== 'aes128gcm' || !/^\d+$/.test(String(ttl)) || !/^[A-Za-z0-9_-]{1,32}$/.test(String(topic))) return { status: 400 };
    const subject = signer(authorization ?? '', service.url);
    if (subject === null) return { status: 403 };
    const reaction = service.react(name);
    if (reaction !== 'take') return reaction;
    service.senders.add(subject);
    service.shown.push({ browser: name, topic: String(topic), message: JSON.parse(read(Buffer.from(body, 'latin1'), browser)) as Record<string, unknown> });
    return { status: 201, headers: { location: `${service.url}/message/${service.shown.length}` } };
  }, 'latin1');
  const service: TestPushService = {
    ...provider,
    shown: [],
    senders: new Set(),
    react: () => 'take',
    subscribe: (name) => {
      const browser = { keys: createECDH('prime256v1'), auth: randomBytes(16) };
      browsers.set(name, browser);
      return { endpoint: `${provider.url}/push/${name}`, keys: { p256dh: browser.keys.generateKeys('base64url'), auth: browser.auth.toString('base64url') } };
    },
  };
  return service;
}

/** The subject of a token that holds, and the key that it was signed with. */
function signer(authorization: string, audience: string): string | null {
  const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  if (token === undefined || key === undefined) return null;
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  try {
    const claims = jwt.verify(token, createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } }), { algorithms: ['ES256'], audience });
    return typeof claims === 'string' || claims.exp! > Date.now() / 1000 + 86_400 ? null : `${claims.sub} ${key}`;
  } catch {
    return null;
  }
}

function read(body: Buffer, { keys, auth }: Browser): string {
  const [salt, theirs, record] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)];
  const secret = Buffer.from(hkdfSync('sha256', keys.computeSecret(theirs), auth, Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), theirs]), 32));
  const derive = (name: string, length: number) => Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${name}\0`, length));
  const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString();
}

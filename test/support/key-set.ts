import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';

/** An identity provider's key set (RFC 7517) on a free port: one RSA key, `rsa`, and one elliptic one, `ec`. */
export async function keySetServer() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig', alg: 'RS256' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', use: 'sig', alg: 'ES256' },
  ];
  let asked = 0;
  let isDown = false;
  const server = createServer((_, response) => {
    asked++;
    if (isDown) return void response.writeHead(500).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`,
    sign: (algorithm: 'RS256' | 'PS256' | 'ES256', payload: object, keyid = algorithm === 'ES256' ? 'ec' : 'rsa'): string =>
      jwt.sign(payload, algorithm === 'ES256' ? ec.privateKey : rsa.privateKey, { algorithm, keyid }),
    /** How often it was asked for its keys. */
    asked: () => asked,
    /** From now on it answers with a 500, or no longer. */
    fail: (on: boolean) => void (isDown = on),
    /** The spellings under which an attacker would try the public key as an HMAC secret. */
    publicKeys: (algorithm: 'RS256' | 'ES256'): string[] => {
      const key = algorithm === 'ES256' ? ec.publicKey : rsa.publicKey;
      const spki = key.export({ format: 'pem', type: 'spki' }).toString();
      return [spki, spki.trim(), JSON.stringify(key.export({ format: 'jwk' }))];
    },
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

import fc from 'fast-check';
import { type Env, Secrets } from '#config';
import { CHANNELS } from '#tenants';
import { decodeDeliveryId, type DeliveryKey, encodeDeliveryId } from './delivery-id.js';
import { TrackingTokens } from './tracking-token.js';

const env = (key: string) => ({ SECRETS_KEY: key.repeat(32), PUBLIC_URL: 'https://crm.example' }) as Env;
const tokens = new TrackingTokens(new Secrets(env('ab')), env('ab'));
const others = new TrackingTokens(new Secrets(env('cd')), env('cd'));

const no = fc.integer({ min: 1, max: 0x7fffffff });
const keys: fc.Arbitrary<DeliveryKey> = fc.record({ tenantId: no, campaignNo: no, customerNo: no, channel: fc.constantFrom(...CHANNELS) });

test('an id names its row and no other text does', () => {
  fc.assert(fc.property(keys, (key) => void expect(decodeDeliveryId(encodeDeliveryId(key))).toEqual(key)));
  fc.assert(fc.property(fc.string(), (text) => decodeDeliveryId(text) === null));
  for (const id of ['dlv_', 'dlv_000000000000000000000', 'camp_00000800000800000ea80', 'dlv_zzzzzzzzzzzzzzzzzzzzz']) expect(decodeDeliveryId(id)).toBeNull();
});

test('a token is read by its own kind and key, and in no other spelling', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 0, max: 65_535 }), fc.nat(), (key, linkNo, at) => {
      const token = tokens.sign('c', { key, linkNo });
      expect(tokens.read('c', token)).toEqual({ key, linkNo });
      expect(tokens.read('u', token)).toBeNull();
      expect(others.read('c', token)).toBeNull();
      const place = at % token.length;
      const other = token[place] === 'A' ? 'B' : 'A';
      expect(tokens.read('c', token.slice(0, place) + other + token.slice(place + 1))).toBeNull();
      expect(tokens.read('c', `${token}=`)).toBeNull();
    }),
  );
});

test('a link that unsubscribes carries where the message went, and shows nobody', () => {
  fc.assert(
    fc.property(keys, fc.uint8Array({ minLength: 32, maxLength: 32 }), (key, bytes) => {
      const addressHash = Buffer.from(bytes);
      const token = tokens.sign('u', { key, linkNo: 0, addressHash });
      expect(tokens.read('u', token)).toEqual({ key, linkNo: 0, addressHash });
      expect(tokens.read('c', token)).toBeNull();
      expect(Buffer.from(token, 'base64url').includes(addressHash)).toBe(false);
      expect(tokens.read('u', tokens.sign('u', { key, linkNo: 0 }))).toBeNull();
    }),
  );
});

import { encryptPush } from './push-encryption.js';

/** The example of RFC 8291 §5 and its appendix A. */
const RFC = {
  plaintext: 'When I grow up, I want to be a watermelon',
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  sender: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
  salt: 'DGv6ra1nlYgDCS1FRnbzlw',
  body: 'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

test('the standard’s own example comes out byte by byte', () => {
  const body = encryptPush(RFC.plaintext, RFC, { salt: Buffer.from(RFC.salt, 'base64url'), privateKey: Buffer.from(RFC.sender, 'base64url') });
  expect(body.toString('base64url')).toBe(RFC.body);
});

test('no two messages are alike', () => {
  expect(encryptPush(RFC.plaintext, RFC).equals(encryptPush(RFC.plaintext, RFC))).toBe(false);
});

test.each([{ p256dh: '', auth: RFC.auth }, { p256dh: 'AAAA', auth: RFC.auth }])('keys that are none are refused: %j', (keys) => expect(() => encryptPush('Hello', keys)).toThrow());

import { smsSegments } from './sms-segments.js';

test.each([
  ['', 'gsm7', 1],
  ['a'.repeat(160), 'gsm7', 1],
  ['a'.repeat(161), 'gsm7', 2],
  ['a'.repeat(306), 'gsm7', 2],
  ['a'.repeat(307), 'gsm7', 3],
  ['€'.repeat(80), 'gsm7', 1], // two septets each
  ['€'.repeat(81), 'gsm7', 2],
  ['a'.repeat(152) + '€'.repeat(77), 'gsm7', 3], // an escape is not parted from its character
  ['ł'.repeat(70), 'ucs2', 1],
  ['ł'.repeat(71), 'ucs2', 2],
  ['a'.repeat(69) + '’', 'ucs2', 1],
  ['🍕'.repeat(35), 'ucs2', 1],
  ['🍕'.repeat(67), 'ucs2', 3], // 33 a segment: half a pizza is left
  ['Ç é ù ñ ß Ω', 'gsm7', 1],
  ['ç', 'ucs2', 1],
])('%#', (text, encoding, segments) => {
  expect(smsSegments(text)).toEqual({ encoding, segments });
});

import fc from 'fast-check';
import { isPublicAddress } from './public-address.js';

const PRIVATE = [
  '127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.0.1',
  '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
  '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'fec0::1', 'ff02::1', '2001:db8::1', '100::1',
  '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::127.0.0.1', '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:7f00:1::',
];
const PUBLIC = ['1.1.1.1', '8.8.8.8', '172.15.255.255', '172.32.0.1', '100.63.255.255', '192.167.255.255', '2606:4700:4700::1111', '2a00:1450:4001::200e', '::ffff:8.8.8.8'];

test.each(PRIVATE)('%s is not of the public internet', (address) => expect(isPublicAddress(address)).toBe(false));
test.each(PUBLIC)('%s is', (address) => expect(isPublicAddress(address)).toBe(true));
test.each(['localhost', '', '1', '2130706433', '0x7f.1', '127.1', '1.1.1.1 '])('%j is no address', (text) => expect(isPublicAddress(text)).toBe(false));

test('an IPv4 address is as public when it is written as IPv6', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => void expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address))));
});

test('nothing of a private network is public, however it is written', () => {
  const octet = fc.nat(255);
  const inside = fc.oneof(fc.tuple(fc.constantFrom('10', '127', '0'), octet, octet, octet), fc.tuple(fc.constantFrom('192.168', '169.254'), octet, octet)).map((parts) => parts.join('.'));
  fc.assert(fc.property(inside, fc.constantFrom('', '::ffff:', '::', '64:ff9b::'), (address, prefix) => void expect(isPublicAddress(prefix + address)).toBe(false)));
});

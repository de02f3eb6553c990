import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The part of IPv6 that is allocated for the public internet so far (https://www.iana.org/assignments/ipv6-address-space). */
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether the IP address is on the public internet: not of this machine, its network or its cloud's metadata service, nor reserved for something
 * else (RFC 6890). Of addresses that carry another inside, IPv4-mapped ones are judged by it, and the others (NAT64, 6to4, Teredo) are refused.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false; // ipaddr.js reads `1` as 0.0.0.1
  const parsed = ipaddr.process(address); // turns an IPv4-mapped address into the IPv4 one
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_V6);
}

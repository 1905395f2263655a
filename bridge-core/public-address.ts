// Addresses that strangers name for us to ask must lead out into the world: who may write in a room or a channel must not reach
// what stands behind our firewall. Checked is what a name resolves to, and that is what is asked.

import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { DeniedError } from './errors.ts';

const inside = new BlockList();
for (const range of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]) {
  const [net = '', bits] = range.split('/');
  inside.addSubnet(net, Number(bits), 'ipv4');
}
/** Of IPv6 only what is given out to the world, without those parts that lead back to IPv4. */
const outside = new BlockList();
outside.addSubnet('2000::', 3, 'ipv6');
const backwards = new BlockList();
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  backwards.addSubnet(net, bits, 'ipv6');

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !inside.check(address, 'ipv4');
    case 6:
      return outside.check(address, 'ipv6') && !backwards.check(address, 'ipv6');
    default:
      return false;
  }
}

/** Of a URL's host, as it is written: no look-up is made for a bare address. A name is looked at when it is resolved. */
export function assertPublicHost(hostname: string, isPublic = isPublicAddress): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublic(host)) throw notPublic(host);
}

/** In place of `dns.lookup`, so that no answer of a DNS server leads inside. */
export function publicLookup({ resolve = lookup, isPublic = isPublicAddress } = {}): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      const allowed = (error === null ? (found as LookupAddress[]) : []).filter(({ address }) => isPublic(address));
      const [first] = allowed;
      if (first === undefined) done(error ?? (notPublic(host) as NodeJS.ErrnoException), '', 4);
      else if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}

const notPublic = (host: string): DeniedError => new DeniedError(`${host} is no public address`);

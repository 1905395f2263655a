// Addresses that others name for us to fetch (a picture beside a message) must lead out into the world: who may write into a
// channel must not reach what stands behind our firewall.

import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { PermanentError } from '#bridge-core';

const inner = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  inner.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  inner.addSubnet(net, bits, 'ipv6');

/** IPv4 in IPv6's clothes is checked as what it is. */
export function isPublicAddress(address: string): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const kind = isIP(plain);
  return kind !== 0 && !inner.check(plain, kind === 4 ? 'ipv4' : 'ipv6');
}

/** Whether the address as it is written may be asked at all; a name is looked at when it is resolved. */
export function assertPublic(url: string): void {
  const { hostname, host, protocol } = new URL(url);
  const name = hostname.replace(/^\[|\]$/g, '');
  if (!/^https?:$/.test(protocol) || (isIP(name) !== 0 && !isPublicAddress(name))) throw refused(host);
}

/** In place of `dns.lookup`: what is asked is what was checked, whatever a name leads to a moment later. */
export const publicLookup: LookupFunction = (name, options, callback) => {
  lookup(name, { ...options, all: true }, (error, addresses) => {
    const found = addresses ?? [];
    const fault = error ?? (found.every(({ address }) => isPublicAddress(address)) ? null : refused(name));
    const [first] = found;
    if (fault !== null || first === undefined) callback((fault ?? refused(name)) as NodeJS.ErrnoException, '', 4);
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

function refused(host: string): PermanentError {
  return new PermanentError('NETWORK_REFUSED', `${host} is not out in the world`);
}

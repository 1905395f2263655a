// What is allowed but should be known: said by `check`, never a reason to refuse.

import type { CoreSettings, Network } from '#bridge-core/host';
import type { Fault, Place } from './faults.ts';

const lostOtherwise = 'files and pictures reach the network by name and size only, and long text is cut instead of shown as a page';

export function warningsAbout(core: CoreSettings, network: Pick<Network, 'withoutPublicUrl'>, place: (path: string) => Place): Fault[] {
  const warnings: Fault[] = [];
  const warn = (path: string, found: string, allowed: string, hint: string) =>
    warnings.push({ ...place(path), path, found, allowed, hint });
  if (core.publicUrl === undefined) {
    const loss = network.withoutPublicUrl ?? lostOtherwise;
    warn('public_url', 'nothing', 'an address where browsers reach the bridge', `without it ${loss}`);
  }
  if (core.permissions['*'] === 'admin') {
    warn('permissions["*"]', 'admin for everybody', 'admin for single people', 'anybody on any homeserver can link and unlink rooms');
  }
  if (!Object.values(core.permissions).includes('admin')) {
    warn('permissions', 'nobody who is admin', 'one admin at least', 'only the links of this file exist: nobody can make one by command');
  }
  if (core.doublePuppeting === 'namespace') {
    const { domain } = core.homeserver;
    const power =
      `the bridge could read and act as anybody of ${domain}: whoever has the as_token, or takes over the bridge, is everybody there; ` +
      'and the homeserver sends it all that is said in rooms of its people';
    warn(
      'double_puppeting',
      `namespace, so a registration over every user of ${domain}`,
      'token, where people decide for themselves',
      power,
    );
  }
  const { host, port } = core.appservice.listen;
  if (!isLoopback(host)) {
    const hint = 'let a firewall or a reverse proxy pass the homeserver and the public paths alone';
    warn(
      'appservice.listen',
      `${host}:${port}, which other machines can reach`,
      'a loopback address, where the homeserver is on this machine',
      hint,
    );
  }
  return warnings;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

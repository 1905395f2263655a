// The IRC section under the real schema, without the adapter behind it: what the tests of the config need of a network.

import type { Network } from '../../bridge-core/adapter.ts';
import { ircSettings } from '../../bridges/irc/settings.ts';

export const irc: Network = {
  protocol: { id: 'irc', name: 'IRC' },
  settings: ircSettings,
  names: { ghosts: 'irc_{network}_{nick}', aliases: 'irc_{network}_{channel}' },
  create() {
    throw new Error('no test of the config makes an adapter');
  },
};

export const networks = { irc: async () => irc };

/** As a config writes it. */
export const variable = (name: string): string => `\${${name}}`;

export const smallest = `homeserver: { url: http://127.0.0.1:8008, domain: example.org }
appservice: { listen: 127.0.0.1:9999, url: http://127.0.0.1:9999, registration: registration.yaml }
store: data/irc.db
permissions: { "example.org": user, "@op:example.org": admin }     # this is also what stands if it is left out, without the admin
irc:
  networks:
    local: { host: 127.0.0.1, port: 6667, tls: false, flood: off, puppets: { max: 2000 } }
  links:
    - { network: local, channel: "#bench", room: "!bench:example.org" }
`;

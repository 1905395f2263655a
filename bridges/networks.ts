// The catalogue of networks: the section of a config that picks one, and where it is. A new network is one line here.

import type { Network } from '#bridge-core/host';

export const networks: Readonly<Record<string, () => Promise<Network>>> = {
  irc: async () => (await import('./irc/index.ts')).irc,
  slack: async () => (await import('./slack/index.ts')).slack as unknown as Network,
  gitter: async () => (await import('./gitter/index.ts')).gitter as unknown as Network,
};

// IRC, as the catalogue of networks lists it.

import type { Network } from '#bridge-core';
import { IrcAdapter } from './adapter.ts';
import { type IrcSettings, ircSettings } from './settings.ts';

export const irc: Network<IrcSettings> = {
  protocol: { id: 'irc', name: 'IRC' },
  settings: ircSettings,
  names: { ghosts: 'irc_{network}_{nick}', aliases: 'irc_{network}_{channel}' },
  create: (settings, tools) => new IrcAdapter(settings, tools),
};

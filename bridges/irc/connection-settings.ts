// What the connections of the bot and of every puppet of one network have in common; who is who is their own.

import type { IrcNetworkSettings } from './settings.ts';
import type { IrcTiming } from './timing.ts';
import type { ConnectionSettings } from './wire/connection.ts';

type OfAll = 'host' | 'port' | 'password' | 'flood' | 'keepalive' | 'encoding' | 'connectTimeout';

export function connectionSettings(
  { host, port, password, flood, keepalive, encoding }: IrcNetworkSettings,
  timing: IrcTiming,
  own: Omit<ConnectionSettings, OfAll>,
): ConnectionSettings {
  return { host, port, flood, keepalive, encoding, connectTimeout: timing.connect, ...(password !== undefined && { password }), ...own };
}

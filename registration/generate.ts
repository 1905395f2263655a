// Makes a registration out of the settings, or brings one up to date: tokens and id stay, all else follows the config.

import { type CoreSettings, type Namespace, type Network, namespaces } from '#bridge-core/host';
import { everybodyOf, type RegistrationFile } from './registration.ts';

export interface Generated {
  readonly file: RegistrationFile;
  /** One line for each key that differs from what was there; secrets are not told. */
  readonly changes: readonly string[];
}

export async function generateRegistration(core: CoreSettings, network: Network, existing?: RegistrationFile): Promise<Generated> {
  // Slow to load, and needed by this command alone.
  const { AppServiceRegistration } = await import('matrix-appservice-bridge');
  const registration = new AppServiceRegistration(core.appservice.url);
  registration.setId(existing?.id ?? `causeway-${core.webPrefix}`);
  registration.setAppServiceToken(existing?.as_token ?? AppServiceRegistration.generateToken());
  registration.setHomeserverToken(existing?.hs_token ?? AppServiceRegistration.generateToken());
  registration.setSenderLocalpart(core.appservice.botLocalpart);
  registration.setProtocols([network.protocol.id]);
  registration.setRateLimited(false);
  // The library knows only the name that older homeservers read; newer ones read the stable one.
  registration.pushEphemeral = true;
  const output = registration.getOutput();
  const { users, aliases, rooms } = namespaces(core.names, core.homeserver.domain, core.appservice.botLocalpart);
  const everybody = core.doublePuppeting === 'namespace' ? [everybodyOf(core.homeserver.domain)] : [];
  const spaces = { users: [...users.map(plain), ...everybody], aliases: aliases.map(plain), rooms: rooms.map(plain) };
  const file: RegistrationFile = { ...existing, ...output, receive_ephemeral: true, namespaces: { ...existing?.namespaces, ...spaces } };
  return { file, changes: existing === undefined ? [] : changesBetween(existing, file) };
}

function changesBetween(before: RegistrationFile, after: RegistrationFile): string[] {
  const { namespaces: spacesBefore, ...restBefore } = before;
  const { namespaces: spacesAfter, ...restAfter } = after;
  return [...differences('', restBefore, restAfter), ...differences('namespaces.', spacesBefore, spacesAfter)];
}

function differences(prefix: string, before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(after)
    .filter((key) => print(before[key]) !== print(after[key]))
    .map((key) => `${prefix}${key}: ${print(before[key])} → ${print(after[key])}`);
}

const plain = ({ exclusive, regex }: Namespace) => ({ exclusive, regex });

const print = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

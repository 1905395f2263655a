// Servers that part and meet again: batches netsplit and netjoin (ircv3.net), plain QUITs and JOINs for who has no batch.

import { joinFor } from './channel-commands.ts';
import { changeModes } from './modes.ts';
import type { Channel, Message, User, World } from './world.ts';

/** Who is away, and where they will be back with which modes. */
export type Parted = readonly {
  readonly user: User;
  readonly channels: readonly { readonly name: string; readonly modes: readonly string[] }[];
}[];

export function part(world: World, users: readonly User[], far: string): Parted {
  const parted = users.map((user) => ({
    user,
    channels: [...user.channels].map((channel) => ({ name: channel.name, modes: [...(channel.members.get(user) ?? [])] })),
  }));
  const rest = new Set([...world.users.values()].filter((user) => !users.includes(user)));
  const quits = users.map((user): [User, Message] => [user, { source: user, command: 'QUIT', params: [`${world.name} ${far}`] }]);
  const seen = new Map(users.map((user) => [user, world.peers(user, false)]));
  tellInBatch(world, rest, 'netsplit', far, (peer) => quits.flatMap(([user, quit]) => (seen.get(user)?.includes(peer) ? [quit] : [])));
  for (const user of users) world.leave(user);
  return parted;
}

export function meet(world: World, parted: Parted, far: string): void {
  const back: { user: User; channel: Channel; modes: readonly string[] }[] = [];
  for (const { user, channels } of parted) {
    world.enter(user);
    for (const { name, modes } of channels) {
      const channel = world.channel(name);
      if (channel === undefined) continue;
      channel.members.set(user, new Set());
      user.channels.add(channel);
      back.push({ user, channel, modes });
    }
  }
  const come = new Set(parted.map(({ user }) => user));
  const rest = new Set([...world.users.values()].filter((user) => !come.has(user)));
  tellInBatch(world, rest, 'netjoin', far, (peer) =>
    back.flatMap(({ user, channel }) => (channel.members.has(peer) ? [joinFor(peer, user, channel)] : [])),
  );
  for (const { user, channel, modes } of back) {
    if (modes.length > 0)
      changeModes(
        world,
        channel,
        undefined,
        `+${modes.join('')}`,
        modes.map(() => user.nick),
      );
  }
}

function tellInBatch(
  world: World,
  peers: Iterable<User>,
  type: string,
  far: string,
  messagesFor: (peer: User) => readonly Message[],
): void {
  for (const peer of peers) {
    const messages = messagesFor(peer);
    if (messages.length === 0) continue;
    const batch = world.newId();
    if (peer.has('batch')) world.reply(peer, 'BATCH', `+${batch}`, type, world.name, far);
    for (const message of messages) peer.receive({ ...message, ...(peer.has('batch') ? { tags: { batch } } : {}) });
    if (peer.has('batch')) world.reply(peer, 'BATCH', `-${batch}`);
  }
}

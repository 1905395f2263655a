// All of control over the parts below it, for the tests of this folder. Events are acted upon one after the other, as the lane
// of one room does.

import type { TestContext } from 'node:test';
import { Actions } from '../../../bridge-core/control/actions.ts';
import { Acts } from '../../../bridge-core/control/acts.ts';
import { Commands } from '../../../bridge-core/control/commands.ts';
import { Consent } from '../../../bridge-core/control/consent.ts';
import { DirectChats } from '../../../bridge-core/control/direct-chats.ts';
import { Permissions } from '../../../bridge-core/control/permissions.ts';
import { Requests } from '../../../bridge-core/control/requests.ts';
import { type RoomId, userId } from '../../../bridge-core/ids.ts';
import type { MatrixEvent } from '../../../bridge-core/matrix-event.ts';
import { type Membership, Roster } from '../../../bridge-core/membership/roster.ts';
import { BridgeInfo } from '../../../bridge-core/plumbing/bridge-info.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { LoopGuard } from '../../../bridge-core/plumbing/loop-guard.ts';
import { Plumb } from '../../../bridge-core/plumbing/plumb.ts';
import { Upgrades } from '../../../bridge-core/plumbing/upgrades.ts';
import { openNotes } from '../../../bridge-core/store/notes.ts';
import { channel, names, type Rig, startRig } from '../rig.ts';

export const node = channel('#node');
const protocol = { id: 'irc', name: 'IRC' };

export function build(rig: Omit<Rig, 'fake' | 'reopen'> & { readonly fake: { drained(): Promise<void> } }, t: TestContext) {
  const { homeserver, network, tell, log, bot } = rig;
  const { adapter } = network;
  const { channels } = adapter;
  const links = new Links({ store: rig.store });
  const roster = new Roster({ store: rig.store, members: (id) => homeserver.joinedMembers(id) });
  const guard = new LoopGuard({ homeserver, links, channels, protocol: 'irc', tell, log, patience: 200 });
  const info = new BridgeInfo({ homeserver, links, channels, protocol, log });
  const plumb = new Plumb({ homeserver, adapter, links, guard, info, tell, log });
  const upgrades = new Upgrades({ homeserver, links, guard, info, channels, configuredLinks: () => network.configured, tell, log });
  const permissions = new Permissions({
    levels: { 'hs.test': 'user', '@op:hs.test': 'admin', '@banned:hs.test': 'none' },
    homeserver,
  });
  const requests = new Requests({ store: rig.store });
  const limits = { rooms: undefined, networks: undefined, requirePublicRoom: false, channels: { allow: ['*'], deny: [] } };
  const consent = new Consent({ adapter, homeserver, permissions, plumb, links, requests, limits, tell, log });
  const logins = { all: () => [] };
  const actions = new Actions({
    adapter,
    homeserver,
    permissions,
    plumb,
    consent,
    requests,
    logins,
    links,
    roster,
    names,
    progress: () => [],
  });
  const isOurs = (user: string) => user === bot || names.isGhost(userId(user));
  const commands = new Commands({ prefix: 'irc', isOurs, actions, tell });
  const notes = openNotes(rig.store);
  const help = () => commands.help();
  const directChats: DirectChats = new DirectChats({
    ...{ homeserver, permissions, names, roster, links, plumb, upgrades, notes, tell, help, protocol, log },
    linker: 'a bridge admin',
    ghostInvited: async () => 'private chats with people on the network are not carried; speak in a linked room',
  });
  const isIn = (id: RoomId) => roster.isIn(id, bot);
  const forget = (id: RoomId) => rig.store.write(() => roster.forget(id));
  const arrivals: string[] = [];
  const arrived = (_room: RoomId, user: string) => void arrivals.push(user);
  const chats = { left: async () => {}, removed: async () => {} };
  const acts = new Acts({ bot, links, guard, plumb, upgrades, commands, directChats, chats, isIn, forget, arrived });
  let last: Promise<unknown> = Promise.resolve();
  const acted: MatrixEvent[] = [];
  const failed: unknown[] = [];
  rig.onEvent = (event) => {
    const isAct = acts.isAct(event);
    last = last.then(async () => {
      if (event.type === 'm.room.member')
        await rig.store.write(() => roster.set(event.room, userId(event.stateKey ?? ''), event.content.membership as Membership));
      if (!isAct) return;
      acted.push(event);
      await acts.act(event).catch((thrown) => failed.push(thrown));
    });
  };
  t.after(() => plumb.stop());
  const quiet = async () => {
    for (let before: unknown; before !== last; ) {
      before = last;
      await rig.fake.drained();
      await last;
    }
    await plumb.settled();
  };
  return { links, roster, plumb, acts, acted, arrivals, failed, quiet, directChats, notes, permissions };
}

export async function start(t: TestContext) {
  const rig = await startRig(t);
  const op = rig.fake.user('op');
  return { rig, op, ...build(rig, t) };
}

export const answers = (rig: Rig, id?: string) => rig.told.filter((told) => id === undefined || told.room === id).map(({ text }) => text);
export const lastAnswer = (rig: Rig) => rig.told.at(-1)?.text ?? '';

export function linkable(rig: Rig, op: string, more: object = {}): string {
  return rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } }, members: [rig.bot], ...more });
}

// Plumbing as the bridge builds it, over a stateful homeserver and a network that says what it was asked.

import type { TestContext } from 'node:test';
import { BridgeInfo } from '../../../bridge-core/plumbing/bridge-info.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { LoopGuard } from '../../../bridge-core/plumbing/loop-guard.ts';
import { Plumb } from '../../../bridge-core/plumbing/plumb.ts';
import { channel, type Rig, startRig } from '../rig.ts';

export const node = channel('#node');
export const infoKey = 'dev.causeway://irc/libera/#node';

export function build(rig: Rig, t: TestContext) {
  const links = new Links({ store: rig.store });
  const channels = rig.network.adapter.channels;
  const guard = new LoopGuard({
    homeserver: rig.homeserver,
    links,
    channels,
    protocol: 'irc',
    tell: rig.tell,
    log: rig.log,
    patience: 200,
  });
  const info = new BridgeInfo({ homeserver: rig.homeserver, links, channels, protocol: { id: 'irc', name: 'IRC' }, log: rig.log });
  const plumb = new Plumb({ homeserver: rig.homeserver, adapter: rig.network.adapter, links, guard, info, tell: rig.tell, log: rig.log });
  rig.onEvent = (event) => void guard.seen(event);
  t.after(() => plumb.stop());
  return { links, guard, info, plumb };
}

export async function start(t: TestContext) {
  const rig = await startRig(t);
  const op = rig.fake.user('op');
  return { rig, op, ...build(rig, t) };
}

export const ownRoom = (rig: Rig, op: string, more: object = {}) =>
  rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } }, ...more });

// What passes, from the network: how far somebody has read, and that they type.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserId } from '../../../bridge-core/ids.ts';
import { Passing } from '../../../bridge-core/pipeline/passing.ts';
import type { RemoteEvent } from '../../../bridge-core/remote-event.ts';
import { openNames } from '../../../bridge-core/virtual-users/names.ts';
import { personOf } from '../../support/fake-adapter/events.ts';
import { until } from '../../support/waiting.ts';
import { quiet } from './lanes-rig.ts';
import { startPipeline } from './pipeline-rig.ts';

const names = openNames({
  ...{ ghosts: 'fake_{network}_{nick}', aliases: 'fake_{network}_{channel}', displayName: '{name}' },
  ...{ domain: 'hs.test', botLocalpart: 'bridge' },
});

test('what somebody has read is a receipt of their ghost’s, on the last event of it; of who is not in the room there is none', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  const files = [1, 2].map((n) => ({ name: `${n}.txt`, source: `F${n}` }));
  const { id } = p.network.say('zoe', '#chan', 'both', { files });
  p.hs.say(p.alice, room, 'hello');
  await p.settled();
  const passing = new Passing<string>({ ...p.parts, names, log: quiet });
  const read = (nick: string, upTo: string) =>
    passing.fromNetwork({ kind: 'read', at: Date.now(), channel: link.channel, user: personOf(nick), upTo } as RemoteEvent, [link]);
  read('zoe', id);
  read('yan', id);
  read('alice[m]', id);
  read('zoe', 'm999');
  await until('the receipt', () => p.hs.world.receipts.length > 0);
  const ghost = names.ghostOf(personOf('zoe')) as UserId;
  assert.deepEqual(p.hs.world.receipts, [
    { room, user: ghost, event: p.hs.messages(room).find(({ content }) => content.body === '2.txt')?.event_id },
  ]);
});

test('typing in a thread shows in the room', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  const link = await p.link(room, '#chan');
  const { id } = p.network.say('zoe', '#chan', 'root');
  await p.settled();
  const passing = new Passing<string>({ ...p.parts, names, log: quiet });
  const event = { kind: 'typing', at: Date.now(), channel: link.channel, sender: personOf('zoe'), on: true, thread: id };
  passing.fromNetwork(event as RemoteEvent, [link]);
  await until('the typing', () => p.hs.requests.some(({ path }) => path.includes('/typing/')));
});

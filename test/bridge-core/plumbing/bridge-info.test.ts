import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userId } from '../../../bridge-core/ids.ts';
import { room } from '../rig.ts';
import { node, ownRoom, start } from './plumbing-rig.ts';

test('a name that the network says of itself only later is shown in the room then, and written once', async (t) => {
  const { rig, op, plumb } = await start(t);
  const id = ownRoom(rig, op);
  await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  await plumb.settled();
  const { channels } = rig.network.adapter;
  const before = channels.describe;
  t.mock.method(channels, 'describe', (of: typeof node) => {
    const told = before(of);
    return { ...told, network: { ...told.network, name: 'Libera.Chat' } };
  });
  for (const network of ['oftc', 'libera', 'libera']) {
    plumb.introduced(network);
    await plumb.settled();
  }
  const shown = rig.fake.events(id).filter((event) => event.type === 'm.bridge');
  assert.deepEqual(
    shown.map(({ content }) => (content.network as { displayname: string }).displayname),
    ['Libera', 'Libera.Chat'],
  );
});

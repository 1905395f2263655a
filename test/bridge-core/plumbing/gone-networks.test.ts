// Links whose network was taken out of the config: they stop nobody else, and can be taken away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError } from '../../../bridge-core/errors.ts';
import { channelId, roomId } from '../../../bridge-core/ids.ts';
import { Spaces } from '../../../bridge-core/plumbing/spaces.ts';
import { until } from '../../support/waiting.ts';
import { node, ownRoom, start } from './plumbing-rig.ts';

const lost = channelId('lost/#node');

async function startWithout(t: Parameters<typeof start>[0]) {
  const all = await start(t);
  const { channels } = all.rig.network.adapter;
  const describe = channels.describe.bind(channels);
  channels.describe = (id) => {
    if (id.startsWith('lost/')) throw new PermanentError('CHANNEL_UNKNOWN', 'there is no network lost');
    return describe(id);
  };
  return all;
}

test('what is known of another network is told all the same, and such a link is suspended with its reason', async (t) => {
  const { rig, op, links, plumb } = await startWithout(t);
  const [gone, kept] = [roomId(ownRoom(rig, op)), roomId(ownRoom(rig, op))];
  const old = await links.add({ room: gone, channel: lost, origin: 'config', state: 'live' });
  await links.add({ room: kept, channel: node, origin: 'config', state: 'live' });
  assert.doesNotThrow(() => plumb.introduced('libera'));
  await links.setState(old.id, 'pending');
  await assert.rejects(plumb.link({ room: gone, channel: lost, origin: 'config', cause: 'asked' }), { code: 'CHANNEL_UNKNOWN' });
  assert.equal(links.get(old.id)?.state, 'suspended');
  await plumb.unlink(links.get(old.id) ?? old, 'no longer wanted');
  assert.equal(links.get(old.id), undefined);
});

test('its room is taken out of its space, and nobody’s link is held up by that', async (t) => {
  const { rig, op, links } = await startWithout(t);
  const [room, space] = [roomId(ownRoom(rig, op)), roomId(ownRoom(rig, op))];
  const written: [string, string][] = [];
  const homeserver = {
    ...{ bot: rig.bot, domain: 'hs.test', invite: async () => {} },
    setState: async (_as: string, where: string, _type: string, key: string) => void written.push([where, key]),
  };
  const spaces = new Spaces({
    ...{ settings: { spaces: true, directory: false }, homeserver, channels: rig.network.adapter.channels, links, log: rig.log },
    ...{ making: {}, peopleOf: () => [], peopleIn: () => [] },
    notes: { get: (name: string) => (name === 'space:lost' ? space : undefined), set: async () => {} },
  } as never);
  t.after(() => spaces.stop());
  const link = await links.add({ room, channel: lost, origin: 'portal', state: 'live', options: { inSpace: room } });
  spaces.arrived(room, rig.fake.user('zoe') as never);
  await links.remove(link.id);
  await until('its leaving', () => written.length > 0 || undefined);
  assert.deepEqual(written, [[space, room]]);
});

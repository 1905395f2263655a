// The whole bridge over the fake network: rooms that were upgraded while it did not run, once or several times.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

test('upgraded twice while the bridge was down: what was said in each of the rooms is carried, once and in order', async (t) => {
  const bridge = await startFakeBridge(t);
  const { network, homeserver, person, room } = bridge;
  const rooms = [room];
  const said = () => network.said('#place').map((line) => line.replace(/^.*: /, ''));
  homeserver.say(person, room, 'before');
  await until('the first line', () => said().includes('before') || undefined);
  await bridge.restart({}, () => {
    homeserver.say(person, room, 'in the first');
    for (const words of ['in the second', 'in the third']) {
      const made = homeserver.upgradeRoom(person, rooms.at(-1) ?? '', '11');
      rooms.push(made);
      homeserver.say(person, made, words);
    }
  });
  await until(`the third among ${said()}`, () => said().includes('in the third') || undefined);
  homeserver.say(person, rooms.at(-1) ?? '', 'after');
  await until(`the last among ${said()}`, () => said().includes('after') || undefined);
  assert.deepEqual(said(), ['before', 'in the first', 'in the second', 'in the third', 'after']);
  network.say('zoe', '#place', 'hello');
  await until('zoe', () => homeserver.messages(rooms.at(-1) ?? '').find(({ content }) => content.body === 'hello'));
});

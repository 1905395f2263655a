// The whole bridge: what is said while a link is made is the link's, however long the homeserver takes to say that it stands.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

const claimed = 'PUT .*/state/m.room.bridging/';

test('what is said on the network once it listens for a link, and before that is live, reaches the room, in order', async (t) => {
  const { network, homeserver, person } = await startFakeBridge(t);
  const room = homeserver.createRoom({ creator: person });
  homeserver.invite(person, room, homeserver.bot);
  await until('the bot', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 50 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  t.after(() => open());
  // The second is that of a link that stands.
  homeserver.fault({ on: claimed, after: 1, times: 1, act: { gate: () => gate } });
  homeserver.say(person, room, '!fake link #other');
  await until('the bot there', () => network.channel('#other').members.has('causeway') || undefined);
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  for (const line of lines) {
    network.say('zoe', '#other', line);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const said = () => homeserver.messages(room).flatMap(({ sender, content }) => (sender.includes('zoe') ? [content.body] : []));
  assert.deepEqual(said(), [], 'it is not live yet');
  open();
  await until(`the last of them among ${said()}`, () => said().includes('line 19') || undefined);
  network.say('zoe', '#other', 'live');
  await until('what comes after', () => said().includes('live') || undefined);
  assert.deepEqual(said(), [...lines, 'live']);
});

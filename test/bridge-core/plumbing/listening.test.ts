// Links whose channel shut the bridge out, over a whole bridge: they wait, and go on once it lets the bridge in again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inFake } from '../../support/fake-adapter.ts';
import { type FakeBridge, startFakeBridge } from '../../support/fake-bridge.ts';
import { until } from '../../support/waiting.ts';

const channel = inFake('#place');
const bodies = ({ homeserver }: FakeBridge, room: string): string[] => homeserver.messages(room).map(({ content }) => String(content.body));
const shows = (bridge: FakeBridge, room: string, words: string) =>
  until(words, () => bodies(bridge, room).some((body) => body.includes(words)) || undefined);

async function shutOut(bridge: FakeBridge, room: string, of = channel): Promise<void> {
  const { network, adapter } = bridge;
  const name = of.slice('fake/'.length);
  network.say('zoe', name, 'before');
  await shows(bridge, room, 'before');
  await adapter().reported();
  network.kick('zoe', name, 'causeway');
  adapter().inbox.suspended(of, 'The bridge was put out');
  await shows(bridge, room, 'no longer carried');
  network.say('zoe', name, 'meanwhile');
}

test('who is let in again goes on by itself, with what was said meanwhile, and tells so; a refusal leaves it waiting', async (t) => {
  for (const closesGaps of [true, false]) {
    const bridge = await startFakeBridge(t, { options: { closesGaps } });
    const { homeserver, network, room, person, adapter } = bridge;
    await shutOut(bridge, room);
    network.channel('#place').isClosed = true;
    adapter().inbox.readmitted?.(channel);
    await until('the refusal in the log', () => bridge.lines.some((line) => line.startsWith('not linked')) || undefined);
    network.channel('#place').isClosed = false;
    adapter().inbox.readmitted?.(channel);
    await shows(bridge, room, 'messages are carried');
    network.say('zoe', '#place', 'after');
    await shows(bridge, room, 'after');
    const said = bodies(bridge, room).filter((body) => ['before', 'meanwhile', 'after'].includes(body));
    assert.deepEqual(said, ['before', 'meanwhile', 'after']);
    homeserver.say(person, room, 'from here');
    await until('it', () => network.said('#place').some((line) => line.includes('from here')) || undefined);
  }
});

test('a link that somebody made by a word waits over a restart; taken away meanwhile, it is forgotten, and so is how far it was heard', async (t) => {
  const bridge = await startFakeBridge(t);
  const { homeserver, network, person, adapter } = bridge;
  const other = inFake('#other');
  const room = homeserver.createRoom({ creator: person });
  homeserver.invite(person, room, homeserver.bot);
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 100 } });
  await until(
    'the bot',
    () =>
      homeserver.events(room).some(({ state_key, content }) => state_key === homeserver.bot && content.membership === 'join') || undefined,
  );
  homeserver.say(person, room, '!fake link #other');
  await shows(bridge, room, 'is now linked');
  await shutOut(bridge, room, other);
  await bridge.restart();
  // It waits for the channel's word alone.
  await until('the network', () => adapter().status()[0]?.state === 'up' || undefined);
  adapter().inbox.readmitted?.(other);
  await shows(bridge, room, 'messages are carried');
  await shows(bridge, room, 'meanwhile');

  network.kick('zoe', '#other', 'causeway');
  adapter().inbox.suspended(other, 'The bridge was put out');
  await until('it', () => bodies(bridge, room).filter((body) => body.includes('no longer carried')).length === 2 || undefined);
  homeserver.say(person, room, '!fake unlink');
  await shows(bridge, room, 'is no longer linked');
  network.say('zoe', '#other', 'not for Matrix');
  adapter().inbox.readmitted?.(other);
  homeserver.say(person, room, '!fake link #other');
  await until('the link', () => bodies(bridge, room).filter((body) => body.includes('is now linked')).length === 2 || undefined);
  network.say('zoe', '#other', 'after');
  await shows(bridge, room, 'after');
  assert.equal(bodies(bridge, room).includes('not for Matrix'), false);
});

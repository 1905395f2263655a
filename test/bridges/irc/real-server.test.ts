// The adapter on a real InspIRCd: both directions, once each, proved.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type InspircdServer, startInspircd } from '../../../quickstart/servers/inspircd.ts';
import { IrcPerson } from '../../support/irc-person.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { withAdapter } from './with-adapter.ts';

let server: InspircdServer;
before(async () => {
  server = await startInspircd({ folder: tempFolder() });
});
after(() => server.stop());

let count = 0;
const freshChannel = () => `#real${++count}`;

async function person(nick: string, channel: string): Promise<IrcPerson> {
  const someone = await IrcPerson.connect({ port: server.port, nick });
  await someone.join(channel);
  return someone;
}

test('a line said on IRC is reported once, however many sessions heard it', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port });
  await world.adapter.connect();
  const id = await world.watch(channel);
  await Promise.all(['ann', 'ben', 'cleo'].map((name) => world.join(name, id)));
  const zoe = await person('zoe', channel);
  t.after(() => zoe.quit());
  zoe.say(channel, 'hello there');
  zoe.action(channel, 'waves');
  zoe.notice(channel, 'psst');
  const last = await world.event('message', (event) => event.style === 'notice');
  assert.equal(last.body, 'psst');
  assert.deepEqual(world.texts(), ['zoe: hello there', 'zoe: waves', 'zoe: psst']);
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'message' ? [event.style] : [])),
    ['text', 'emote', 'notice'],
  );
  assert.equal(last.sender.id, 'local/zoe');
  assert.ok(last.id, 'with the id that the server gave');
});

test('people on Matrix speak as themselves, in order, and hear nothing back', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port });
  await world.adapter.connect();
  const id = await world.watch(channel);
  const yves = await person('yves', channel);
  t.after(() => yves.quit());
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, at) => world.say('dora', id, `line ${at}`)).concat(world.say('bot', id, '<eve> by the bot')),
  );
  await yves.waitForText(channel, '<eve> by the bot');
  await yves.waitForText(channel, 'line 19');
  const heard = yves.texts(channel).filter((text) => text.startsWith('dora[m]'));
  assert.deepEqual(
    heard,
    Array.from({ length: 20 }, (_, at) => `dora[m]: line ${at}`),
  );
  assert.equal(new Set(sent).size, 21, 'each with an id of its own');
  yves.say(channel, 'all heard');
  await world.event('message');
  assert.deepEqual(world.texts(), ['yves: all heard']);
});

// What a person says on the network by other means, shown as said by themselves, on a whole bridge over the fakes: every kind of
// it, and that none of it goes back to the network, whatever comes between.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type LoggedIn, startLoggedIn } from '../logged-in.ts';

const namespace = { settings: 'double_puppeting: namespace', homeserver: { hasEverybody: true } } as const;

async function start(t: TestContext): Promise<LoggedIn> {
  const scene = await startLoggedIn(t, namespace);
  await scene.logIn(scene.ada);
  scene.homeserver.join(scene.ada, scene.room);
  await scene.settled();
  return scene;
}

/** Reads its store beside it. */
function storeOf(t: TestContext, { storePath }: LoggedIn): DatabaseSync {
  const store = new DatabaseSync(storePath, { readOnly: true });
  t.after(() => store.close());
  return store;
}

const byAda = ({ homeserver, room, ada }: LoggedIn, type: string) =>
  homeserver.events(room).filter((event) => event.sender === ada && event.type === type);

test('a line is hers in the room, and stands once on the network', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room } = scene;
  network.say('ada', '#place', 'from my phone');
  await until('her line', () => scene.spoken().includes('ada: from my phone'));
  homeserver.say(scene.ada, room, 'from Matrix');
  await until('the other', () => network.said('#place').includes('ada: from Matrix'));
  await scene.settled();
  assert.deepEqual(scene.spoken(), ['ada: from my phone', 'ada: from Matrix']);
  assert.deepEqual(network.said('#place'), ['ada: from my phone', 'ada: from Matrix']);
  assert.ok(!homeserver.members(room).includes('@fake_ada:hs.test'));
});

test('edits, reactions and redactions are hers as well, of what she said there and of what she said here', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada } = scene;
  const zoes = network.say('zoe', '#place', 'hello all');
  const there = network.say('ada', '#place', 'helo Zoe');
  homeserver.say(ada, room, 'helo again');
  const here = await until('her line', () => network.channel('#place').messages.find(({ body }) => body === 'helo again'));
  await scene.settled();
  const deeds = scene.ourDeeds();

  network.edit('ada', '#place', there.id, 'hello Zoe');
  network.edit('ada', '#place', here.id, 'hello again');
  network.react('ada', '#place', zoes.id, '👋');
  const edits = () => byAda(scene, 'm.room.message').flatMap(({ content }) => (content['m.new_content'] as { body: string })?.body ?? []);
  await until('both edits', () => edits().length === 2);
  assert.deepEqual(edits(), ['hello Zoe', 'hello again']);
  const reaction = await until('the reaction', () => byAda(scene, 'm.reaction')[0]);
  network.react('ada', '#place', zoes.id, '👋', false);
  network.redact('ada', '#place', there.id);
  network.redact('zoe', '#place', here.id);
  const redacted = () => byAda(scene, 'm.room.redaction').map(({ redacts }) => redacts);
  await until('three redactions', () => redacted().length + homeserver.events(room).filter(isBotsRedaction(scene)).length === 3);
  assert.equal(redacted()[0], reaction.event_id);
  await scene.settled();
  assert.equal(scene.ourDeeds(), deeds, 'nothing of it went back');
});

const isBotsRedaction =
  ({ homeserver }: LoggedIn) =>
  ({ type, sender }: { type: string; sender: string }) =>
    type === 'm.room.redaction' && sender === homeserver.bot;

test('who rules the room takes away what she said here by her own session; what she said there is not theirs to take from there', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada } = scene;
  network.redactsOwnAlone = true;
  network.say('ada', '#place', 'said there');
  homeserver.say(ada, room, 'said here');
  await until('both', () => scene.spoken().length === 2 && network.said('#place').includes('ada: said here'));
  await scene.settled();
  const eventOf = (words: string) => homeserver.messages(room).find(({ content }) => content.body === words)?.event_id ?? '';
  for (const words of ['said here', 'said there']) homeserver.redact(scene.person, room, eventOf(words));
  await until('words on that', () => network.said('#place').some((line) => line.includes('"said there"')));
  await scene.settled();
  assert.ok(network.said('#place').includes('ada: said there'));
  assert.ok(!network.said('#place').includes('ada: said here'));
});

test('a reaction that she takes back in Matrix is taken back there, and one that she gave already is not given again', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada } = scene;
  const zoes = network.say('zoe', '#place', 'hello all');
  const line = await until('the line', () => homeserver.messages(room)[0]);
  homeserver.say(ada, room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: line.event_id, key: '👍' } }, 'm.reaction');
  await until('the reaction', () => zoes.reactions.has('👍 ada'));
  network.react('ada', '#place', zoes.id, '👍');
  network.react('ada', '#place', zoes.id, '🎉');
  const party = await until('the other', () => byAda(scene, 'm.reaction').find(({ content }) => JSON.stringify(content).includes('🎉')));
  assert.equal(byAda(scene, 'm.reaction').length, 2);
  homeserver.redact(ada, room, party.event_id);
  await until('it to be gone', () => !zoes.reactions.has('🎉 ada'));
});

test('another channel of the room hears her line once, in her own voice', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, person } = scene;
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [homeserver.bot]: 50 } });
  homeserver.say(person, room, '!fake link #other');
  await scene.hears(room, /is now linked/);
  network.say('ada', '#place', 'to both');
  await until('the other channel', () => network.said('#other').length > 0);
  await scene.settled();
  assert.deepEqual(network.said('#other'), ['ada: to both']);
  assert.deepEqual(network.said('#place'), ['ada: to both']);
});

test('who copies what was sent in their name says it themselves', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada } = scene;
  network.say('ada', '#place', 'once');
  const event = await until('her line', () => byAda(scene, 'm.room.message')[0]);
  // While it is on its way nobody could tell a copy of hers from it.
  const rows = storeOf(t, scene).prepare('SELECT 1 FROM journal');
  await until('its record', () => rows.get() === undefined);
  homeserver.say(ada, room, event.content);
  await until('the copy', () => network.said('#place').length === 2);
  homeserver.join(scene.bob, room);
  homeserver.say(scene.bob, room, event.content);
  await until('another copy', () => network.said('#place').length === 3);
});

test('it comes back before the homeserver has answered, or the answer is lost: it stands once on either side', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room } = scene;
  homeserver.fault({ on: 'PUT .*/send/m.room.message/', times: 1, act: { drop: 'after' } });
  network.say('ada', '#place', 'one');
  network.say('ada', '#place', 'two');
  await until('both', () => scene.spoken().length === 2);
  homeserver.fault({ on: 'PUT .*/send/m.room.message/', times: 1, act: { drop: 'after' } });
  network.say('ada', '#place', 'three');
  await until('the third', () => homeserver.messages(room).length === 3);
  await scene.restart();
  await until('the network', () => scene.adapter().status()[0]?.state === 'up');
  network.say('ada', '#place', 'four');
  await until('the fourth', () => scene.spoken().includes('ada: four'));
  await scene.settled();
  assert.deepEqual(scene.spoken(), ['ada: one', 'ada: two', 'ada: three', 'ada: four']);
  assert.deepEqual(network.said('#place'), ['ada: one', 'ada: two', 'ada: three', 'ada: four']);
});

test('what she writes there is no command here', async (t) => {
  const scene = await start(t);
  scene.network.say('ada', '#place', '!fake status');
  await until('her line', () => scene.spoken().includes('ada: !fake status'));
  await scene.settled();
  assert.deepEqual(scene.words(scene.room), []);
});

test('in a room that she is not in, and where she may not speak, her ghost shows it', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada, person } = scene;
  homeserver.leave(ada, room);
  await scene.settled();
  network.say('ada', '#place', 'from outside');
  await until('the ghost', () => scene.spoken().includes('fake_ada: from outside'));
  homeserver.join(ada, room);
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [ada]: -1 } });
  await scene.settled();
  network.say('ada', '#place', 'muted here');
  await until('the ghost', () => scene.spoken().includes('fake_ada: muted here'));
});

test('how far she has read there is shown as read by herself, and does not go to and fro', async (t) => {
  const scene = await start(t);
  const { network, homeserver, room, ada } = scene;
  const first = network.say('zoe', '#place', 'one');
  network.say('zoe', '#place', 'two');
  const [one, two] = await until('both', () => (homeserver.messages(room).length === 2 ? homeserver.messages(room) : undefined));
  await scene.settled();
  network.markRead('ada', '#place', first.id);
  await until('her mark', () => homeserver.world.receipts.some(({ user, event }) => user === ada && event === one?.event_id));
  homeserver.receipt(ada, room, one?.event_id ?? '');
  await scene.settled();
  const ours = () => network.log.filter(({ what, isOurs }) => what === 'read' && isOurs === true).length;
  assert.equal(ours(), 0);
  homeserver.receipt(ada, room, two?.event_id ?? '');
  await until('the network to know', () => ours() === 1);
  network.markRead('ada', '#place', network.channel('#place').messages[1]?.id ?? '');
  await scene.settled();
  assert.equal(homeserver.world.receipts.filter(({ user }) => user === ada).length, 1);
});

test('her files are brought by the bot, and shown as hers', async (t) => {
  const scene = await start(t);
  const { network, homeserver, ada } = scene;
  network.files.set('cat', Buffer.from('a cat'));
  network.say('ada', '#place', '', { files: [{ name: 'cat.txt', type: 'text/plain', source: 'cat' }] });
  await until('the file', () => byAda(scene, 'm.room.message').find(({ content }) => content.msgtype === 'm.file'));
  assert.ok(homeserver.requests.every(({ path, user }) => !path.includes('/upload') || user !== ada));
});

test('rooms of the homeserver’s people that are none of the bridge’s leave nothing in it', async (t) => {
  const scene = await start(t);
  const { homeserver, ada, bob } = scene;
  const elsewhere = homeserver.createRoom({ creator: bob, members: [ada] });
  homeserver.say(ada, elsewhere, '!fake status');
  homeserver.say(bob, elsewhere, 'help');
  await scene.settled();
  assert.equal(homeserver.messages(elsewhere).length, 2);
  assert.deepEqual(storeOf(t, scene).prepare('SELECT * FROM roster WHERE room = ?').all(elsewhere), []);
});

test('what is said in a room as soon as the bot has come is heard, though nothing was told of its coming before', async (t) => {
  const scene = await start(t);
  const { homeserver, bob } = scene;
  // Said in one turn, all of it is one transaction.
  const room = homeserver.createRoom({ creator: bob, members: [homeserver.bot] });
  homeserver.say(bob, room, '!fake help');
  await scene.hears(room, /help/);
});

test('switched off, her ghost shows it', async (t) => {
  const scene = await startLoggedIn(t);
  await scene.logIn(scene.ada);
  scene.homeserver.join(scene.ada, scene.room);
  await scene.settled();
  scene.network.say('ada', '#place', 'from my phone');
  await until('the ghost', () => scene.spoken().includes('fake_ada: from my phone'));
});

// A whole bridge whose network can much: pictures of relayed people fetched as the network would, files given, read marks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { PermanentError } from '../../bridge-core/errors.ts';
import { startFakeBridge } from '../support/fake-bridge.ts';
import { until } from '../support/waiting.ts';

const rich = { shownAs: true, threads: true, files: 'upload' } as const;

test('a relayed person is shown with a picture that the network can fetch, and gives files', async (t) => {
  const options = { ...rich, puppets: 'none' } as const;
  const bridge = await startFakeBridge(t, { options, settings: 'public_url: http://public.test' });
  const { homeserver, network, room, person } = bridge;
  const picture = await sharp({ create: { width: 300, height: 100, channels: 3, background: '#336699' } })
    .jpeg()
    .toBuffer();
  homeserver.world.media.set('ann', { type: 'image/jpeg', name: 'ann.jpg', bytes: picture });
  homeserver.world.media.set('notes', { type: 'text/plain', name: 'notes.txt', bytes: Buffer.from('all of the notes') });
  homeserver.world.setProfile(person, { avatar: 'mxc://hs.test/ann' });
  homeserver.join(person, room);
  homeserver.say(person, room, { msgtype: 'm.file', body: 'notes.txt', url: 'mxc://hs.test/notes' });
  const message = await until('the file', () => network.channel('#place').messages[0]);
  assert.deepEqual([message.nick, message.shownAs, message.carried?.words], ['causeway', 'Ann', 'all of the notes']);
  const address = message.avatar ?? assert.fail('no picture');
  assert.match(address, /^http:\/\/public\.test\/fake\/avatar\/[\w-]+\.png$/);
  const answer = await fetch(address.replace('http://public.test', bridge.url));
  assert.equal(answer.headers.get('content-type'), 'image/png');
  const { width, height } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  assert.deepEqual([width, height], [256, 256]);
  homeserver.say(person, room, 'the same picture again');
  const next = await until('the next', () => network.channel('#place').messages[1]);
  assert.equal(next.avatar, address);
});

test('without a public address a name is shown without a picture', async (t) => {
  const bridge = await startFakeBridge(t, { options: { ...rich, puppets: 'none' } });
  bridge.homeserver.world.setProfile(bridge.person, { avatar: 'mxc://hs.test/ann' });
  bridge.homeserver.join(bridge.person, bridge.room);
  bridge.homeserver.say(bridge.person, bridge.room, 'hello');
  const message = await until('it', () => bridge.network.channel('#place').messages[0]);
  assert.deepEqual([message.shownAs, message.avatar], ['Ann', undefined]);
});

test('what a person with a session of their own has read is read there', async (t) => {
  const { homeserver, network, room, person } = await startFakeBridge(t);
  homeserver.say(person, room, 'I am here');
  await until('ann', () => network.said('#place').length === 1 || undefined);
  const said = network.say('zoe', '#place', 'read me');
  const shown = await until('the room', () => homeserver.messages(room).find(({ content }) => content.body === 'read me'));
  const marks = () => network.log.flatMap((each) => (each.what === 'read' ? [`${each.nick} ${each.upTo}`] : []));
  await until('the mark', () => {
    if (marks().length === 0) homeserver.receipt(person, room, shown.event_id);
    return marks().length > 0 || undefined;
  });
  assert.equal(marks()[0], `ann[m] ${said.id}`);
});

test('a line with which a login ends is said by the bot', async (t) => {
  const { homeserver, network, room, person } = await startFakeBridge(t);
  homeserver.say(person, room, 'as myself');
  await until('ann', () => network.said('#place').includes('ann[m]: as myself') || undefined);
  network.script([new PermanentError('NETWORK_LOGIN', 'revoked')]);
  homeserver.say(person, room, 'all the same');
  await until('the bot', () => network.said('#place').some((line) => /^causeway: .*all the same/.test(line)) || undefined);
});

test('who rules a room says how its people are called where the bot speaks for them, over a restart; others may not', async (t) => {
  for (const shownAs of [true, false]) {
    const bridge = await startFakeBridge(t, {
      options: { ...rich, shownAs, puppets: 'none' },
      permissions: { 'hs.test': 'user' },
    });
    const { homeserver, network, room, person } = bridge;
    const said = () => network.channel('#place').messages.at(-1);
    const answer = () => homeserver.messages(room).at(-1)?.content.body;
    const ask = async (by: string, words: string, wanted: RegExp) => {
      homeserver.say(by, room, `!fake ${words}`);
      await until(`an answer to ${words}: ${wanted}`, () => wanted.test(String(answer())) || undefined);
    };
    const eve = homeserver.user('eve', 'Eve');
    homeserver.invite(person, room, eve);
    homeserver.join(eve, room);
    await ask(eve, 'names {user}', /power/);
    await ask(person, 'names nobody', /\{name\}/);
    await ask(person, 'names {name} of {localpart}@{server}', /are called: \{name\} of/);
    homeserver.say(person, room, 'hello');
    const shown = (name: string, body: string) =>
      until(`${name} saying ${body}`, () => {
        const last = said();
        return (shownAs ? last?.shownAs === name && last.body === body : last?.body === `<${name}> ${body}`) || undefined;
      });
    await shown('Ann of ann@hs.test', 'hello');
    await bridge.restart();
    homeserver.say(person, room, 'again');
    await shown('Ann of ann@hs.test', 'again');
    await ask(person, 'names', /^#place: \{name\} of/);
    await ask(person, 'names off', /as everywhere/);
    homeserver.say(person, room, 'plain');
    await shown('Ann', 'plain');
  }
});

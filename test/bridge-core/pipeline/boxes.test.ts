// Networks whose bodies are no text: names, times, splitting and later tries work for them as for any other; and names and
// pictures that the network shows itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const bodies = (said: string[]) => said.map((line) => line.slice(line.indexOf(': ') + 2));

test('the bot names whom it speaks for within the body', async (t) => {
  const p = await startPipeline(t, { adapter: { boxes: true, puppets: 'none' } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.bob, room, 'hello');
  p.hs.say(p.bob, room, { msgtype: 'm.emote', body: 'waves' });
  p.hs.say(p.bob, room, { msgtype: 'm.text', body: 'x', format: 'org.matrix.custom.html', formatted_body: '<pre>code</pre>' });
  await p.settled();
  assert.deepEqual(bodies(p.network.said('#chan')), ['<Bob> hello', '* Bob waves', '<Bob>', 'code']);
});

test('a long text is split, and goes on after a failure with the part that failed, name and all said once', async (t) => {
  const p = await startPipeline(t, { adapter: { boxes: true, puppets: 'none', bytes: 40, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  let count = 0;
  p.network.meet = () => {
    count += 1;
    return count === 2 || count === 4 ? 'busy' : undefined;
  };
  p.hs.say(p.bob, room, 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen');
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.ok(said.length > 2 && said.every((body) => Buffer.byteLength(body) <= 40), JSON.stringify(said));
  const whole = said.join('').replace(/\s+/g, '');
  assert.equal(whole, '<Bob>onetwothreefourfivesixseveneightnineteneleventwelvethirteenfourteen');
});

test('parts that were printed before a restart are said after it, cut further where they no longer fit', async (t) => {
  const adapter = { boxes: true, puppets: 'none' as const, bytes: 60, lines: 10 };
  const p = await startPipeline(t, { adapter });
  const room = p.room();
  await p.link(room, '#chan');
  let count = 0;
  p.network.meet = () => {
    count += 1;
    if (count !== 2) return undefined;
    p.network.down();
    return 'away';
  };
  const words = Array.from({ length: 30 }, (_, n) => `word${n}`).join(' ');
  p.hs.say(p.bob, room, words);
  await until('the first part', () => count === 2);
  await p.parts.store.flush();
  adapter.bytes = 40;
  p.network.isUp = true;
  await p.restart();
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.equal(said.join('').replace(/\s+/g, ''), `<Bob>${words.replace(/\s+/g, '')}`);
  assert.ok(
    said.slice(1).every((body) => Buffer.byteLength(body) <= 40),
    JSON.stringify(said),
  );
});

test('a late one bears its time within', async (t) => {
  const p = await startPipeline(t, { markLate: 80, adapter: { boxes: true } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.down();
  p.hs.say(p.alice, room, 'from before');
  await until('it in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 1);
  await delay(100);
  p.network.up();
  await p.settled();
  assert.match(bodies(p.network.said('#chan'))[0] ?? '', /^\[\d\d:\d\d UTC\] from before$/);
});

test('where the network shows them, name and picture stand beside the words, and none of it within', async (t) => {
  for (const boxes of [false, true]) {
    const p = await startPipeline(t, { adapter: { boxes, puppets: 'none', shownAs: true } });
    const room = p.room();
    p.hs.world.setProfile(p.bob, { name: 'Bob\r\n\u202ethe Great', avatar: 'mxc://hs.test/bob' });
    p.hs.join(p.bob, room);
    await p.link(room, '#chan');
    p.hs.say(p.bob, room, 'hello');
    p.hs.say(p.alice, room, { msgtype: 'm.emote', body: 'waves' });
    await p.settled();
    const [first, second] = p.network.channel('#chan').messages;
    assert.deepEqual([first?.nick, first?.body, first?.shownAs], ['causeway', 'hello', 'Bob the Great']);
    assert.equal(first?.avatar, 'https://pictures.test/hs.test/bob.png');
    assert.deepEqual([second?.body, second?.style, second?.shownAs, second?.avatar], ['waves', 'emote', 'Alice', undefined]);
  }
});

test('a new picture is shown from the next line on', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none', shownAs: true } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.bob, room, 'without');
  await p.settled();
  p.hs.world.setProfile(p.bob, { avatar: 'mxc://hs.test/new' });
  p.hs.join(p.bob, room);
  p.hs.say(p.bob, room, 'with');
  await p.settled();
  assert.deepEqual(
    p.network.channel('#chan').messages.map(({ avatar }) => avatar),
    [undefined, 'https://pictures.test/hs.test/new.png'],
  );
});

test('who is logged in speaks as themselves, all others through the bot', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'login', shownAs: true } });
  const room = p.room();
  await p.link(room, '#chan');
  const login = { user: p.alice as never, account: 'fake/alice' as never, network: 'fake', name: 'alice', credentials: { nick: 'ally' } };
  await p.parts.adapter.signIn(login);
  p.hs.say(p.alice, room, 'my own');
  p.hs.say(p.bob, room, 'relayed');
  await p.settled();
  assert.deepEqual(
    p.network
      .channel('#chan')
      .messages.map(({ nick, shownAs }) => [nick, shownAs])
      .sort(),
    [
      ['ally', undefined],
      ['causeway', 'Bob'],
    ],
  );
});

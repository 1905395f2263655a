// Who speaks and how it looks: puppets and the bot, names, long texts in parts, late ones, pages; and that each part is said once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import { startPipeline } from './pipeline-rig.ts';

const bodies = (said: string[]) => said.map((line) => line.slice(line.indexOf(': ') + 2));
const keysIn = (p: Awaited<ReturnType<typeof startPipeline>>) => p.network.channel('#chan').messages.map(({ key }) => key);

test('who can have no session is relayed by the bot, in every style, in their name', async (t) => {
  const p = await startPipeline(t, { adapter: { maxPuppets: 1 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.alice, room, 'mine');
  await p.settled();
  p.hs.say(p.bob, room, 'relayed');
  p.hs.say(p.bob, room, { msgtype: 'm.emote', body: 'waves' });
  p.hs.say(p.bob, room, { msgtype: 'm.notice', body: 'beep' });
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: mine', 'causeway: <Bob> relayed', 'causeway: * Bob waves', 'causeway: <Bob> beep']);
});

test('where the network can show a name, the text bears none', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none', shownAs: true } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.bob, room, 'hello');
  await p.settled();
  const [message] = p.network.channel('#chan').messages;
  assert.deepEqual([message?.nick, message?.body, message?.shownAs], ['causeway', 'hello', 'Bob']);
});

test('a name is no way to break out of its line', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const room = p.room();
  await p.link(room, '#chan');
  const eve = p.hs.user('eve', `<Eve>\r\nQUIT \u0000\u202e${'x'.repeat(500)}`);
  p.hs.join(eve, room);
  p.hs.say(eve, room, 'hello');
  await p.settled();
  const [body = ''] = bodies(p.network.said('#chan'));
  assert.match(body, /^<Eve QUIT x+> hello$/);
  assert.ok(body.length < 60);
});

test('who has a name that shows nothing is called by their Matrix id', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const blanks = ['', ' ', '\u200b\u2060', '<>'].map((name, at) => p.hs.user(`blank${at}`, name));
  const room = p.hs.createRoom({ creator: p.alice, members: [...blanks, p.hs.bot] }) as never;
  await p.link(room, '#chan');
  for (const blank of blanks) {
    p.hs.say(blank, room, 'hello');
    await p.settled();
  }
  assert.deepEqual(
    p.network.said('#chan'),
    blanks.map((_, at) => `causeway: <blank${at}> hello`),
  );
});

test('a bot that speaks for somebody is relayed in that name; a person who claims another name is not', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const profile = { id: 'x', displayname: 'Carol', has_fallback: true };
  const content = { msgtype: 'm.text', body: 'Carol: hi', 'com.beeper.per_message_profile': profile };
  const html = { format: 'org.matrix.custom.html', formatted_body: '<strong data-mx-profile-fallback>Carol: </strong><b>hi</b>' };
  const other = p.hs.user('otherbridge');
  p.hs.join(other, room);
  p.hs.say(other, room, content);
  p.hs.say(other, room, { ...content, ...html });
  p.hs.say(p.alice, room, { ...content, body: 'it is me, Carol' });
  await p.settled();
  assert.deepEqual(p.network.said('#chan').sort(), ['alice[m]: it is me, Carol', 'causeway: <Carol> \u0002hi', 'causeway: <Carol> hi']);
});

test('a long text is said in parts that fit, each under a key of its own', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 50, lines: 3 } });
  const room = p.room();
  const link = await p.link(room, '#chan');
  const id = p.hs.say(p.alice, room, `${'word '.repeat(25)}end`);
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.equal(said.length, 3);
  assert.equal(said.join('').replace(/\s/g, ''), `${'word'.repeat(25)}end`);
  assert.ok(said.every((body) => Buffer.byteLength(body) <= 50));
  assert.equal(new Set(keysIn(p)).size, 3);
  const parts = p.parts.relations.ofEvent(id as never, link.id);
  assert.deepEqual(
    parts.map(({ remote }) => remote),
    p.network.channel('#chan').messages.map((message) => message.id),
  );
});

test('a failure in the middle of a long text goes on with the part that failed', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 30, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  let count = 0;
  p.network.meet = () => {
    count += 1;
    return count === 3 || count === 5 ? 'busy' : undefined;
  };
  p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen');
  p.hs.say(p.alice, room, 'next');
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.equal(
    said.slice(0, -1).join(' ').replace(/\s+/g, ''),
    'onetwothreefourfivesixseveneightnineteneleventwelvethirteenfourteenfifteen',
  );
  assert.equal(said.at(-1), 'next');
});

for (const fate of ['doubtful', 'lost'] as const) {
  test(`a part whose outcome is unknown (${fate}) is asked for before it is said again`, async (t) => {
    const p = await startPipeline(t, { adapter: { bytes: 30, lines: 10 } });
    const room = p.room();
    await p.link(room, '#chan');
    p.network.script([fate], ({ body }) => body.includes('four'));
    p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten');
    await p.settled();
    assert.equal(bodies(p.network.said('#chan')).join(' ').replace(/\s+/g, ''), 'onetwothreefourfivesixseveneightnineten');
    assert.equal(new Set(keysIn(p)).size, keysIn(p).length);
  });

  test(`without a way to ask, an unknown outcome (${fate}) is said once more`, async (t) => {
    const p = await startPipeline(t, { adapter: { verbs: [], messageIds: false } });
    const room = p.room();
    await p.link(room, '#chan');
    p.network.script([fate]);
    p.hs.say(p.alice, room, 'hello');
    await p.settled();
    assert.equal(p.network.said('#chan').length, fate === 'lost' ? 1 : 2);
  });
}

test('after a stop in the middle, parts that were proved are not said again', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 30, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  let count = 0;
  p.network.meet = () => {
    count += 1;
    return count === 3 ? 'hang' : undefined;
  };
  p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten eleven twelve thirteen');
  await until('the third part', () => p.network.hanging === 1);
  const stopping = p.restart();
  await delay(20);
  p.network.down();
  p.network.isUp = true;
  await stopping;
  await p.settled();
  assert.equal(
    bodies(p.network.said('#chan')).join(' ').replace(/\s+/g, ''),
    'onetwothreefourfivesixseveneightnineteneleventwelvethirteen',
  );
});

test('a line that waited long bears its time; of a long one only the first part that goes out', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const p = await startPipeline(t, { markLate: 20_000, adapter: { bytes: 40, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.network.down();
  p.hs.say(p.alice, room, 'one two three four five six seven eight nine ten eleven twelve');
  await until('it in the journal', () => p.temp.committed('SELECT count(*) FROM journal') === 1);
  t.mock.timers.tick(20_001);
  p.network.up();
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.ok(said.length > 1);
  assert.match(said[0] ?? '', /^\[\d\d:\d\d UTC\] one/);
  assert.ok(said.slice(1).every((body) => !body.includes('UTC')));
  assert.ok(
    said.every((body) => Buffer.byteLength(body) <= 40),
    JSON.stringify(said),
  );
});

test('late in the middle: the mark stands on the first unsent part, which is cut further where it no longer fits', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const p = await startPipeline(t, { markLate: 20_000, adapter: { bytes: 40, lines: 10 } });
  const room = p.room();
  await p.link(room, '#chan');
  let count = 0;
  p.network.meet = () => {
    count += 1;
    if (count !== 2) return undefined;
    p.network.down();
    return 'away';
  };
  p.hs.say(p.alice, room, 'aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo pppp');
  await until('the first part', () => count === 2);
  t.mock.timers.tick(20_001);
  p.network.up();
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.ok(!said[0]?.includes('UTC'));
  assert.match(said[1] ?? '', /^\[\d\d:\d\d UTC\] /);
  assert.ok(
    said.slice(2).every((body) => !body.includes('UTC')),
    JSON.stringify(said),
  );
  assert.ok(
    said.every((body) => Buffer.byteLength(body) <= 40),
    JSON.stringify(said),
  );
  const whole = said.map((body) => body.replace(/^\[.*?\] /, '')).join(' ');
  assert.equal(whole.replace(/\s+/g, ''), 'aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkllllmmmmnnnnoooopppp');
  assert.equal(new Set(keysIn(p)).size, said.length, 'no key twice');
});

test('what is more than the channel bears goes onto a page, whose address stands in the last line', async (t) => {
  const p = await startPipeline(t, { pages: true, adapter: { lines: 3 } });
  const room = p.room();
  await p.link(room, '#chan');
  const text = Array.from({ length: 10 }, (_, n) => `line ${n}`).join('\n');
  p.network.script(['busy']);
  p.hs.say(p.alice, room, text);
  await p.settled();
  const said = bodies(p.network.said('#chan'));
  assert.deepEqual(said, ['line 0', 'line 1', '… 8 more lines: https://pages.test/1']);
  assert.deepEqual(p.parts.pages, [{ title: 'Alice wrote', text }], 'one page, however often it was tried');
});

test('without pages a long text goes out whole, within reason', async (t) => {
  const p = await startPipeline(t, { adapter: { lines: 3 } });
  const room = p.room();
  await p.link(room, '#chan');
  p.hs.say(p.alice, room, Array.from({ length: 20 }, (_, n) => `line ${n}`).join('\n'));
  p.hs.say(p.bob, room, Array.from({ length: 300 }, (_, n) => `line ${n}`).join('\n'));
  await p.settled();
  const from = (nick: string) => p.network.said('#chan').filter((line) => line.startsWith(nick));
  assert.equal(from('alice').length, 20);
  assert.equal(from('bob').length, 101);
  assert.match(from('bob').at(-1) ?? '', /200 more lines not shown/);
});

test('one session says one thing at a time, whichever lanes it speaks for', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const room = p.room();
  await p.link(room, '#chan');
  let most = 0;
  let now = 0;
  p.network.latency = 3;
  const say = p.network.say.bind(p.network);
  p.network.meet = () => {
    now += 1;
    most = Math.max(most, now);
    return undefined;
  };
  p.network.say = (...given) => {
    now -= 1;
    return say(...given);
  };
  for (let n = 0; n < 10; n += 1) {
    p.hs.say(p.alice, room, `a${n}`);
    p.hs.say(p.bob, room, `b${n}`);
  }
  await p.settled();
  assert.equal(p.network.said('#chan').length, 20);
  assert.equal(most, 1);
});

test('media is told by name and size, with its address where there is one', async (t) => {
  for (const mediaLinks of [false, true]) {
    const p = await startPipeline(t, { mediaLinks });
    const room = p.room();
    await p.link(room, '#chan');
    p.hs.say(p.alice, room, {
      msgtype: 'm.image',
      body: 'cat.png',
      url: 'mxc://hs.test/cat',
      info: { size: 2_048, mimetype: 'image/png' },
    });
    await p.settled();
    const address = mediaLinks ? ' https://media.test/cat.png' : '';
    assert.deepEqual(p.network.said('#chan'), [`alice[m]: sent an image: cat.png (2.0 KiB)${address}`]);
    assert.equal(p.network.channel('#chan').messages[0]?.style, 'emote');
  }
});

test('what was said is not said again because its record could not be written', async (t) => {
  const p = await startPipeline(t, { adapter: { verbs: [], messageIds: false } });
  const room = p.room();
  await p.link(room, '#chan');
  await p.settled();
  const refuseWrites = (on: boolean) => void p.parts.store.prepare(`PRAGMA query_only = ${on ? 1 : 0}`).run();
  p.network.meet = () => {
    refuseWrites(true);
    setTimeout(() => refuseWrites(false), 60);
    return undefined;
  };
  p.hs.say(p.alice, room, 'once');
  await until('it said', () => p.network.said('#chan').length > 0);
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['alice[m]: once']);
  assert.deepEqual(p.parts.dead, []);
});

// Edits by the network's own verb: part by part, with more parts than before, with fewer, refused, or never possible.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPipeline } from './pipeline-rig.ts';

const edit = (of: string, body: string) => ({
  ...{ msgtype: 'm.text', body: `* ${body}`, 'm.new_content': { msgtype: 'm.text', body } },
  'm.relates_to': { rel_type: 'm.replace', event_id: of },
});
const bodies = (said: string[]) => said.map((line) => line.slice(line.indexOf(': ') + 2));
const long = 'one two three four five six seven eight nine ten eleven twelve';
const squeezed = (lines: string[]) => lines.join('').replace(/\s+/g, '');

for (const boxes of [false, true]) {
  const shape = boxes ? 'boxes' : 'text';
  test(`each part is edited in its place, more are added and known, fewer go (${shape})`, async (t) => {
    const p = await startPipeline(t, { adapter: { bytes: 30, lines: 20, boxes } });
    const room = p.room();
    const link = await p.link(room, '#chan');
    const id = p.hs.say(p.alice, room, 'short');
    await p.settled();
    p.hs.say(p.alice, room, edit(id, long));
    await p.settled();
    const grown = p.network.channel('#chan').messages;
    assert.ok(grown.length > 2);
    assert.equal(squeezed(bodies(p.network.said('#chan'))), squeezed([long]));
    const known = () => p.parts.relations.ofEvent(id as never, link.id);
    assert.deepEqual(
      known().map(({ remote }) => remote),
      grown.map((message) => message.id),
    );
    p.hs.say(p.alice, room, edit(id, long.replace('one', 'two')));
    await p.settled();
    assert.equal(squeezed(bodies(p.network.said('#chan'))), squeezed([long.replace('one', 'two')]));
    assert.equal(p.network.channel('#chan').messages.length, grown.length, 'nothing is said anew');
    p.hs.say(p.alice, room, edit(id, 'short again'));
    await p.settled();
    assert.deepEqual(bodies(p.network.said('#chan')), ['short again']);
    assert.equal(known().length, 1);
    p.hs.redact(p.alice, room, id);
    await p.settled();
    assert.deepEqual(p.network.said('#chan'), []);
  });
}

test('an edit that fails in the middle goes on there, and what it adds is there once', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 30, lines: 20 } });
  const room = p.room();
  await p.link(room, '#chan');
  const id = p.hs.say(p.alice, room, 'short');
  await p.settled();
  p.network.script(['busy', 'doubtful', 'lost'], ({ body }) => /five|nine/.test(body));
  p.hs.say(p.alice, room, edit(id, long));
  await p.settled();
  assert.equal(squeezed(bodies(p.network.said('#chan'))), squeezed([long]));
});

test('what an edit adds to a message in a thread is in the thread too', async (t) => {
  const p = await startPipeline(t, { adapter: { bytes: 30, lines: 20, threads: true } });
  const room = p.room();
  await p.link(room, '#chan');
  const root = p.hs.say(p.alice, room, 'the root');
  const relates = { rel_type: 'm.thread', event_id: root, is_falling_back: true };
  const id = p.hs.say(p.alice, room, { msgtype: 'm.text', body: 'short', 'm.relates_to': relates });
  await p.settled();
  p.hs.say(p.alice, room, edit(id, long));
  await p.settled();
  const [first, ...rest] = p.network.channel('#chan').messages;
  assert.ok(rest.length > 2 && rest.every(({ thread }) => thread === first?.id));
});

test('an edit that the network refuses is told to its sender, and not said anew', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const id = p.hs.say(p.alice, room, 'first');
  await p.settled();
  p.network.refusesEdits = true;
  const second = p.hs.say(p.alice, room, edit(id, 'second'));
  await p.settled();
  assert.deepEqual(bodies(p.network.said('#chan')), ['first']);
  const [status] = p.events(room, 'com.beeper.message_send_status');
  assert.equal((status?.content['m.relates_to'] as { event_id: string } | undefined)?.event_id, second);
  assert.match(String(status?.content.message), /too late to edit/);
});

test('whom the bot spoke for is named in the edit too', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const room = p.room();
  await p.link(room, '#chan');
  const id = p.hs.say(p.bob, room, 'first');
  await p.settled();
  p.hs.say(p.bob, room, edit(id, 'second'));
  await p.settled();
  assert.deepEqual(p.network.said('#chan'), ['causeway: <Bob> second']);
});

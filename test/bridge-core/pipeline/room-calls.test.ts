// Who calls everybody: only who means it and may, whatever is typed.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fromHtml } from '../../../bridge-core/format/from-html.ts';
import { findEveryone, mentionsIn } from '../../../bridge-core/format/mentions.ts';
import { fromPlain, type RichText } from '../../../bridge-core/format/rich-text.ts';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import type { UserId } from '../../../bridge-core/ids.ts';
import { powerIn } from '../../../bridge-core/plumbing/power.ts';
import { startPipeline } from './pipeline-rig.ts';

const calls = (text: RichText): string[] => mentionsIn(text).flatMap(({ of, text: words }) => ('everyone' in of ? [words] : []));
const flag = { 'm.mentions': { room: true } };

/** What the network is given to print, beside the pipeline. */
async function start(t: TestContext) {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const printed: RichText[] = [];
  const { formatter } = p.parts.adapter;
  Object.assign(p.parts.adapter, {
    formatter: {
      ...formatter,
      print(text: RichText, fit: never) {
        printed.push(text);
        return formatter.print(text, fit);
      },
    },
  });
  const say = async (user: string, body: string, more: object = {}): Promise<string[]> => {
    printed.length = 0;
    p.hs.say(user, room, { msgtype: 'm.text', body, ...more });
    await p.settled();
    return printed.flatMap(calls);
  };
  return { p, room, say };
}

test('who may call the room calls the channel; without the power or the flag it is a word', async (t) => {
  const { p, room, say } = await start(t);
  assert.deepEqual(await say(p.alice, '@room: lunch', flag), ['@room']);
  assert.deepEqual(await say(p.bob, '@room: lunch', flag), []);
  assert.deepEqual(await say(p.alice, '@room: lunch'), []);
  assert.deepEqual(await say(p.alice, '@room: lunch', { 'm.mentions': { room: 'true', user_ids: [] } }), []);
  assert.deepEqual(await say(p.alice, 'lunch', flag), []);
  const levels = { users: { [p.hs.bot]: 100 }, redact: 0 };
  p.hs.setState(p.alice, room, 'm.room.power_levels', '', { ...levels, notifications: { room: 0 } });
  assert.deepEqual(await say(p.bob, '@room: me too', flag), ['@room']);
  p.hs.setState(p.alice, room, 'm.room.power_levels', '', levels);
  assert.deepEqual(await say(p.bob, '@room: no more', flag), []);
  assert.equal(p.network.said('#chan').filter((line) => line.includes('@room: lunch')).length, 4);
});

test('what a room says of power is asked for once, and not for words', async (t) => {
  const { p, say } = await start(t);
  let asked = 0;
  const { homeserver } = p.parts;
  const { fullState } = homeserver;
  Object.assign(homeserver, {
    fullState: (...given: Parameters<typeof fullState>) => {
      asked += 1;
      return fullState(...given);
    },
  });
  await say(p.alice, '@room hello');
  await say(p.alice, 'hello', flag);
  assert.equal(asked, 0);
  await say(p.alice, '@room hello', flag);
  await say(p.bob, '@room hello', flag);
  assert.equal(asked, 1);
});

test('an edit calls nobody whom the message called already', async (t) => {
  const { p, room, say } = await start(t);
  const first = p.hs.say(p.alice, room, { msgtype: 'm.text', body: '@room lnuch', ...flag });
  await p.settled();
  const edit = (more: object) => ({
    ...{ 'm.new_content': { msgtype: 'm.text', body: '@room lunch', ...flag }, ...more },
    'm.relates_to': { rel_type: 'm.replace', event_id: first },
  });
  assert.deepEqual(await say(p.alice, '* @room lunch', edit({ 'm.mentions': {} })), []);
  assert.deepEqual(await say(p.alice, '* @room lunch', edit(flag)), ['@room']);
});

test('only the word itself is a call, nothing that holds it; the words stay as they are', () => {
  for (const body of ['@room', 'hey @room!', '(@room)', '@room: x', 'see @room.', 'a\n@room b', '@room, @room']) {
    const found = findEveryone(fromPlain(body));
    assert.ok(calls(found).length > 0, body);
    assert.equal(toPlain(found), body);
  }
  for (const body of ['@rooms', 'me@room', '@room.example.org', '@room:hs.test', 'x/@room', '@@room', 'room', '@roomé', '@room-mates'])
    assert.deepEqual(calls(findEveryone(fromPlain(body))), [], body);
  const html = (source: string) => calls(findEveryone(fromHtml(source)));
  assert.deepEqual(html('<b>@room</b> <a href="https://matrix.to/#/!abc:hs.test">@room</a>').length, 2);
  assert.deepEqual(html('<code>@room</code> <a href="https://example.org">@room</a><pre>@room</pre>'), []);
});

test('the level is the room’s, 50 unless it says otherwise; creators of new rooms may always', () => {
  const user = '@a:hs' as UserId;
  const state = (version: string, levels?: object) =>
    [
      { type: 'm.room.create', stateKey: '', sender: user, content: { room_version: version } },
      ...(levels === undefined ? [] : [{ type: 'm.room.power_levels', stateKey: '', sender: user, content: levels }]),
    ] as never;
  assert.equal(powerIn(state('11')).forNotification('room'), 50);
  assert.equal(powerIn(state('11', { notifications: { room: '20' } })).forNotification('room'), 20);
  assert.equal(powerIn(state('12', { notifications: { room: 200 } })).of(user), Number.POSITIVE_INFINITY);
});

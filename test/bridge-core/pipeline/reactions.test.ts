// Reactions of several people through the bot, which can give each sign once; of people by themselves; and pictures as signs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

const reaction = (to: string, key: string, more: object = {}) => ({
  'm.relates_to': { rel_type: 'm.annotation', event_id: to, key },
  ...more,
});
const given = (p: Pipeline) =>
  p.network.log.flatMap((each) => (each.what === 'reaction' ? [`${each.on ? '+' : '-'}${each.emoji} ${each.nick}`] : []));

test('the first whom the bot stands for gives it, the last takes it back', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'news');
  await p.settled();
  const first = p.hs.say(p.alice, room, reaction(said, '👍'), 'm.reaction');
  const second = p.hs.say(p.bob, room, reaction(said, '👍'), 'm.reaction');
  p.hs.say(p.bob, room, reaction(said, '🎉'), 'm.reaction');
  await p.settled();
  assert.deepEqual(given(p).sort(), ['+🎉 causeway', '+👍 causeway'].sort());
  p.hs.redact(p.alice, room, first);
  await p.settled();
  assert.equal(given(p).length, 2, 'somebody else still gives it');
  await p.restart();
  p.hs.redact(p.bob, room, second);
  await p.settled();
  assert.equal(given(p).at(-1), '-👍 causeway');
  p.hs.say(p.alice, room, reaction(said, '👍'), 'm.reaction');
  await p.settled();
  assert.equal(given(p).at(-1), '+👍 causeway', 'and given anew');
});

test('in both rooms of a channel it is the same bot', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'none' } });
  const [here, there] = [p.room(), p.room()];
  await p.link(here, '#chan');
  await p.link(there, '#chan');
  const message = p.network.say('zoe', '#chan', 'news');
  await p.settled();
  await p.hs.until(there, (events) => events.some(({ content }) => content.body === 'news'));
  await p.hs.until(here, (events) => events.some(({ content }) => content.body === 'news'));
  await p.settled();
  const [a, b] = [here, there].map((room) => p.hs.messages(room)[0]?.event_id ?? '');
  const first = p.hs.say(p.alice, here, reaction(a ?? '', '👍'), 'm.reaction');
  await p.settled();
  const second = p.hs.say(p.bob, there, reaction(b ?? '', '👍'), 'm.reaction');
  await p.settled();
  assert.deepEqual(given(p), ['+👍 causeway']);
  p.hs.redact(p.alice, here, first);
  await p.settled();
  assert.deepEqual([...message.reactions], ['👍 causeway']);
  p.hs.redact(p.bob, there, second);
  await p.settled();
  assert.deepEqual([...message.reactions], []);
});

test('who has a session of their own reacts by it, and takes back what the bot gave for them before', async (t) => {
  const p = await startPipeline(t, { adapter: { puppets: 'login' } });
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'news');
  await p.settled();
  const first = p.hs.say(p.alice, room, reaction(said, '👍'), 'm.reaction');
  await p.settled();
  const login = { user: p.alice as never, account: 'fake/ally' as never, network: 'fake', name: 'ally', credentials: { nick: 'ally' } };
  await p.parts.adapter.signIn(login);
  p.hs.say(p.alice, room, reaction(said, '🎉'), 'm.reaction');
  await p.settled();
  p.hs.redact(p.alice, room, first);
  await p.settled();
  assert.deepEqual(given(p), ['+👍 causeway', '+🎉 ally', '-👍 causeway']);
});

test('a picture is a sign by its name; one without a name is left to the network, whose refusal is told', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const said = p.hs.say(p.alice, room, 'news');
  await p.settled();
  for (const more of [{ shortcode: 'party_parrot' }, { 'com.beeper.reaction.shortcode': ':blob-cat:' }])
    p.hs.say(p.alice, room, reaction(said, 'mxc://hs.test/parrot', more), 'm.reaction');
  p.hs.say(p.alice, room, reaction(said, 'mxc://hs.test/nameless'), 'm.reaction');
  await p.settled();
  assert.deepEqual(given(p), ['+:party_parrot: alice[m]', '+:blob-cat: alice[m]', '+mxc://hs.test/nameless alice[m]']);
  const bare = await startPipeline(t, { adapter: { verbs: [] } });
  const other = bare.room();
  await bare.link(other, '#chan');
  const news = bare.hs.say(bare.alice, other, 'news');
  await bare.settled();
  bare.hs.say(bare.alice, other, reaction(news, 'mxc://hs.test/nameless'), 'm.reaction');
  bare.hs.say(bare.alice, other, reaction(news, 'mxc://hs.test/p', { shortcode: 'parrot' }), 'm.reaction');
  await bare.settled();
  assert.deepEqual(bare.network.said('#chan').slice(1), [
    'alice[m]: reacted with a picture to alice[m]: "news"',
    'alice[m]: reacted :parrot: to alice[m]: "news"',
  ]);
});

// What became of messages while nobody listened: edits, deletions, reactions given and taken back, replies in old threads. Each is in the
// room after the loss, once, also where Slack tells of it by an event as well.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { logIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';
import { givenUp } from './with-slack.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

const eventsOf = ({ homeserver, room }: Bridge, type: string) => homeserver.events(room).filter((event) => event.type === type);
const messageIn = (bridge: Bridge, body: string) =>
  until(body, () => eventsOf(bridge, 'm.room.message').find(({ content }) => content.body === body));
const reactionIn = (bridge: Bridge, to: string, key: string) =>
  until(`${key} on ${to}`, () => eventsOf(bridge, 'm.reaction').find(({ content }) => isTo(content, to, key)));
const isTo = (content: Readonly<Record<string, unknown>>, to: string, key: string) => {
  const relates = content['m.relates_to'] as { event_id?: string; key?: string } | undefined;
  return relates?.event_id === to && relates.key === key;
};
const redactionOf = (bridge: Bridge, what: string) =>
  until(`the redaction of ${what}`, () => eventsOf(bridge, 'm.room.redaction').find(({ redacts }) => redacts === what));

const losses = {
  'the bridge is restarted': (bridge: Bridge, meanwhile: () => void) => bridge.restart(async () => meanwhile()),
  'every connection is cut': async ({ slack }: Bridge, meanwhile: () => void) => {
    await slack.down();
    meanwhile();
    await slack.up();
  },
};

for (const [name, lose] of Object.entries(losses))
  for (const transport of ['socket', 'events', 'rtm'] as const)
    test(`${transport}: what became of messages while ${name} is brought over, once`, { timeout: 180_000 }, async (t) => {
      const bridge = await wholeBridge(t, { transport });
      const { ann, bob, general, homeserver, person, room } = bridge;
      homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 50 } });
      const ts = new Map<string, string>();
      for (const words of ['to be edited', 'to be deleted', 'to be liked', 'no longer liked', 'a thread'])
        ts.set(words, ann.say(general, words));
      const of = (words: string) => ts.get(words) ?? '';
      ts.set('a reply', bob.reply(general, of('a thread'), 'a reply'));
      ts.set('a reply to go', bob.reply(general, of('a thread'), 'a reply to go'));
      bob.react(general, of('no longer liked'), 'tada');
      homeserver.say(person, room, 'from Matrix');
      homeserver.say(person, room, 'from Matrix, to go');
      const shown = new Map<string, string>();
      for (const words of [...ts.keys()]) shown.set(words, (await messageIn(bridge, words)).event_id);
      for (const words of ['from Matrix', 'from Matrix, to go']) {
        shown.set(words, (await messageIn(bridge, words)).event_id);
        ts.set(words, (await ann.waitForMessage(general, words)).ts ?? '');
      }
      const at = (words: string) => shown.get(words) ?? '';
      const liked = await reactionIn(bridge, at('no longer liked'), '🎉');
      // Our own, which no comparison may take for somebody's.
      homeserver.say(person, room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: at('to be liked'), key: '👀' } }, 'm.reaction');
      await ann.waitForMessage(general, ({ reactions }) => reactions?.some((each) => each.name === 'eyes') === true);

      await lose(bridge, () => {
        ann.edit(general, of('to be edited'), 'edited');
        ann.delete(general, of('to be deleted'));
        bob.react(general, of('to be liked'), '+1');
        bob.react(general, of('from Matrix'), 'tada');
        bob.unreact(general, of('no longer liked'), 'tada');
        ann.delete(general, of('from Matrix, to go'));
        bob.edit(general, of('a reply'), 'a better reply');
        bob.delete(general, of('a reply to go'));
        bob.reply(general, of('a thread'), 'a later reply');
        const fresh = bob.say(general, 'said meanwhile');
        ann.react(general, fresh, 'heart');
      });

      const edit = await messageIn(bridge, '* edited');
      assert.deepEqual(edit.content['m.relates_to'], { rel_type: 'm.replace', event_id: at('to be edited') });
      assert.equal((await reactionIn(bridge, at('to be liked'), '👍\ufe0f')).sender, '@slack_t0001_u0bob:hs.test');
      await reactionIn(bridge, at('from Matrix'), '🎉');
      assert.equal((await redactionOf(bridge, liked.event_id)).sender, '@slack_t0001_u0bob:hs.test');
      assert.equal((await redactionOf(bridge, at('to be deleted'))).sender, '@slack_t0001_u0ann:hs.test');
      const taken = await redactionOf(bridge, at('from Matrix, to go'));
      assert.deepEqual([taken.sender, taken.content.reason], [homeserver.bot, 'deleted in Slack'], 'as where an event tells of it');
      await redactionOf(bridge, at('a reply to go'));
      await messageIn(bridge, '* a better reply');
      await messageIn(bridge, 'a later reply');
      await reactionIn(bridge, (await messageIn(bridge, 'said meanwhile')).event_id, '❤️');

      // Whatever comes again, by an event or by the next loss, changes nothing more.
      await lose(bridge, () => {});
      ann.say(general, 'the end');
      await messageIn(bridge, 'the end');
      const count = (type: string) => eventsOf(bridge, type).length;
      assert.equal(count('m.room.redaction'), 4);
      assert.equal(count('m.reaction'), 5);
      assert.equal(
        count('m.room.message'),
        9 + 2 + 2 + 1,
        eventsOf(bridge, 'm.room.message')
          .map(({ content }) => content.body)
          .join('; '),
      );
    });

for (const [name, lose] of Object.entries(losses))
  test(`what a person edits by Slack’s client of what was said for them while ${name} is brought over, once; what we edited for them is not`, {
    timeout: 180_000,
  }, async (t) => {
    const bridge = await wholeBridge(t);
    const { ann, general, homeserver, person, room } = bridge;
    await logIn(bridge);
    const said = new Map<string, string>();
    for (const words of ['a tpyo', 'edited in Matrix', 'left alone']) {
      said.set(words, homeserver.say(person, room, words));
      const seen = await ann.waitForMessage(general, words);
      assert.equal(seen.user, ann.id, 'said as themselves');
    }
    // What Slack has of it reads otherwise than what was said here.
    const pill = 'better: <a href="https://matrix.to/#/@slack_t0001_u0bob:hs.test">Bobby</a>';
    homeserver.say(person, room, {
      ...{ msgtype: 'm.text', body: '* better: Bobby' },
      'm.new_content': { msgtype: 'm.text', body: 'better: Bobby', format: 'org.matrix.custom.html', formatted_body: pill },
      'm.relates_to': { rel_type: 'm.replace', event_id: said.get('edited in Matrix') },
    });
    await ann.waitForMessage(general, ({ text }) => text?.startsWith('better') === true);
    const ts = (await ann.waitForMessage(general, 'a tpyo')).ts ?? '';
    const before = eventsOf(bridge, 'm.room.message').length;
    await lose(bridge, () => ann.edit(general, ts, 'a typo'));
    const edit = await messageIn(bridge, '* a typo');
    assert.equal(edit.sender, '@slack_t0001_u0ann:hs.test');
    assert.deepEqual(edit.content['m.relates_to'], { 'm.in_reply_to': { event_id: said.get('a tpyo') } });
    await lose(bridge, () => {});
    ann.say(general, 'the end');
    await messageIn(bridge, 'the end');
    assert.deepEqual(
      eventsOf(bridge, 'm.room.message')
        .slice(before)
        .map(({ content }) => content.body),
      ['* a typo', 'the end'],
    );
  });

test('a thread that began long before the page that is read is looked into', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ history: { page: 3 } }) });
  const { ann, bob, general, slack } = bridge;
  const root = ann.say(general, 'an old thread');
  const reply = bob.reply(general, root, 'an old reply');
  for (let number = 0; number < 6; number += 1) ann.say(general, `line ${number}`);
  const shown = await messageIn(bridge, 'an old reply');
  await messageIn(bridge, 'line 5');
  await bridge.restart(async () => {
    bob.reply(general, root, 'a new reply');
    bob.edit(general, reply, 'an old reply, mended');
    ann.react(general, root, 'tada');
  });
  const edit = await messageIn(bridge, '* an old reply, mended');
  assert.deepEqual(edit.content['m.relates_to'], { rel_type: 'm.replace', event_id: shown.event_id });
  assert.partialDeepStrictEqual((await messageIn(bridge, 'a new reply')).content['m.relates_to'], { rel_type: 'm.thread' });
  await reactionIn(bridge, (await messageIn(bridge, 'an old thread')).event_id, '🎉');
  assert.deepEqual(slack.undocumented, []);
});

test('the first answer to an old message, and the edit of one, are found further back than the page that is read', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ history: { page: 3, calls_per_minute: 1_000 } }) });
  const { ann, bob, general, slack } = bridge;
  const root = ann.say(general, 'an old message');
  const mistaken = ann.say(general, 'an old mistake');
  for (let number = 0; number < 8; number += 1) ann.say(general, `line ${number}`);
  const shown = await messageIn(bridge, 'an old message');
  const wrong = await messageIn(bridge, 'an old mistake');
  await messageIn(bridge, 'line 7');
  await bridge.restart(async () => {
    bob.reply(general, root, 'the first answer');
    ann.edit(general, mistaken, 'no mistake');
    bob.react(general, root, 'tada');
    ann.say(general, 'newer');
    for (const words of ['the first answer', 'no mistake', 'newer']) await givenUp(slack, words);
  });
  const { content } = await messageIn(bridge, 'the first answer');
  assert.partialDeepStrictEqual(content['m.relates_to'], { rel_type: 'm.thread', event_id: shown.event_id });
  const edit = await messageIn(bridge, '* no mistake');
  assert.deepEqual(edit.content['m.relates_to'], { rel_type: 'm.replace', event_id: wrong.event_id });
  await reactionIn(bridge, shown.event_id, '🎉');
  assert.deepEqual(slack.undocumented, []);
});

test('what is only not where it was looked for is not taken away', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ replies: 'thread' }) });
  const { ann, general, homeserver, person, room } = bridge;
  ann.say(general, 'a question');
  const { event_id } = await messageIn(bridge, 'a question');
  // Shown in its turn, so that it is known by now which event the question became.
  ann.say(general, 'well?');
  await messageIn(bridge, 'well?');
  // In Slack it is in a thread, which nothing in the room says.
  homeserver.say(person, room, { msgtype: 'm.text', body: 'an answer', 'm.relates_to': { 'm.in_reply_to': { event_id } } });
  await until('the answer', () => ann.sees(general).some(({ reply_count: replies }) => replies === 1));
  await bridge.restart();
  ann.say(general, 'the end');
  await messageIn(bridge, 'the end');
  assert.deepEqual(eventsOf(bridge, 'm.room.redaction'), []);
});

test('an app that may read little reads no more than what is new', { timeout: 180_000 }, async (t) => {
  const section = () => ({ history: { page: 15, calls_per_minute: 1 } });
  const bridge = await wholeBridge(t, { section });
  const { ann, bob, general, slack } = bridge;
  const ts = ann.say(general, 'a line');
  const root = ann.say(general, 'an old thread');
  bob.reply(general, root, 'an old reply');
  const shown = await messageIn(bridge, 'a line');
  await messageIn(bridge, 'an old reply');
  const reads = () => slack.callsOf('conversations.replies').length;
  let before = 0;
  await bridge.restart(async () => {
    // What was said while it connected for the first time was new.
    before = reads();
    ann.react(general, ts, 'tada');
  });
  await reactionIn(bridge, shown.event_id, '🎉');
  assert.equal(reads(), before);
});

test('what is read before Slack says who the bot is waits for that: our own words do not come back', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room, slack } = bridge;
  homeserver.say(person, room, 'from Matrix');
  await ann.waitForMessage(general, 'from Matrix');
  await bridge.restart(async () => {
    slack.fault({ on: 'auth.test', times: 1, act: { wait: 1_500 } });
    ann.say(general, 'meanwhile');
  });
  await messageIn(bridge, 'meanwhile');
  ann.say(general, 'the end');
  await messageIn(bridge, 'the end');
  assert.deepEqual(
    eventsOf(bridge, 'm.room.message').map(({ content }) => content.body),
    ['from Matrix', 'meanwhile', 'the end'],
  );
});

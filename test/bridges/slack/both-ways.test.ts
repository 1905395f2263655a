// A whole bridge between Slack and Matrix: what is said on one side stands on the other, changes too; and what a person did by other
// means is theirs, what we did is not told again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { givenUp } from './with-slack.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;
type Event = ReturnType<Bridge['homeserver']['events']>[number];

const eventIn = ({ homeserver, room }: Bridge, what: string, fits: (event: Event) => unknown) =>
  until(what, () => homeserver.events(room).find((event) => fits(event)));
const messageIn = (bridge: Bridge, body: string) =>
  eventIn(bridge, body, ({ type, content }) => type === 'm.room.message' && content.body === body);

for (const transport of ['socket', 'events', 'rtm'] as const)
  test(`${transport}: a message goes both ways, and so does what becomes of it`, { timeout: 180_000 }, async (t) => {
    const bridge = await wholeBridge(t, { transport });
    const { ann, general, homeserver, person, room, slack } = bridge;
    const ts = ann.say(general, 'hello *Matrix*');
    const shown = await messageIn(bridge, 'hello Matrix');
    assert.equal(shown.sender, '@slack_t0001_u0ann:hs.test');
    assert.equal(shown.content.formatted_body, 'hello <strong>Matrix</strong>');
    ann.edit(general, ts, 'hello again');
    const edit = await messageIn(bridge, '* hello again');
    assert.deepEqual(edit.content['m.relates_to'], { rel_type: 'm.replace', event_id: shown.event_id });
    ann.react(general, ts, 'tada');
    await eventIn(bridge, 'the reaction', ({ type, content }) => type === 'm.reaction' && JSON.stringify(content).includes('🎉'));
    ann.react(general, ts, '+1');
    await eventIn(
      bridge,
      'the key as Matrix has it',
      ({ type, content }) => type === 'm.reaction' && JSON.stringify(content).includes('👍\ufe0f'),
    );
    ann.delete(general, ts);
    await eventIn(bridge, 'the redaction', (event) => event.type === 'm.room.redaction' && event.redacts === shown.event_id);

    const said = homeserver.say(person, room, 'hello Slack');
    const seen = await ann.waitForMessage(general, 'hello Slack');
    assert.equal(seen.username, 'Alice');
    homeserver.say(person, room, {
      ...{ msgtype: 'm.text', body: '* hello there' },
      ...{ 'm.new_content': { msgtype: 'm.text', body: 'hello there' }, 'm.relates_to': { rel_type: 'm.replace', event_id: said } },
    });
    assert.equal((await ann.waitForMessage(general, 'hello there')).ts, seen.ts);
    homeserver.say(person, room, { 'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: '👍' } }, 'm.reaction');
    await ann.waitForMessage(general, ({ reactions }) => reactions?.some(({ name }) => name === '+1') === true);
    homeserver.redact(person, room, said);
    await until('it to be gone', () => !ann.texts(general).includes('hello there') || undefined);
    assert.deepEqual(slack.undocumented, []);
    const told = homeserver
      .events(room)
      .filter(({ type, content }) => type === 'm.room.message' && /hello (?:Slack|there)/.test(String(content.body)));
    assert.ok(
      told.every(({ sender }) => sender === person),
      'nothing of ours comes back',
    );
  });

test('reactions of several who share the bot are one in Slack, gone with the last of them, over a restart too', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room } = bridge;
  const bob = homeserver.user('bob', 'Bob');
  homeserver.join(bob, room);
  const ts = ann.say(general, 'good news');
  const { event_id } = await messageIn(bridge, 'good news');
  const relates = { 'm.relates_to': { rel_type: 'm.annotation', event_id, key: '🎉' } };
  const of = () => ann.sees(general).find((message) => message.ts === ts)?.reactions ?? [];
  const carried = async (by: string, what = 'was here') => {
    const line = `${by} ${what}`;
    homeserver.say(by, room, line);
    await ann.waitForMessage(general, line);
  };
  const given = [person, bob].map((by) => ({ by, event: homeserver.say(by, room, relates, 'm.reaction') }));
  for (const { by } of given) await carried(by);
  assert.deepEqual(
    of().map(({ name, count }) => [name, count]),
    [['tada', 1]],
  );
  await bridge.restart();
  const [first, last] = given as [(typeof given)[0], (typeof given)[0]];
  homeserver.redact(first.by, room, first.event);
  await carried(first.by, 'is still here');
  assert.equal(of().length, 1, 'the other still gives it');
  homeserver.redact(last.by, room, last.event);
  await until('it to be gone', () => of().length === 0 || undefined);
});

test('somebody in Slack takes away what the bot said for a person: the bot takes it away in the room', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, person, room } = bridge;
  homeserver.setState(person, room, 'm.room.power_levels', '', { users: { [person]: 100, [homeserver.bot]: 50 } });
  homeserver.say(person, room, 'not wanted there');
  const { ts = '' } = await ann.waitForMessage(general, 'not wanted there');
  ann.delete(general, ts);
  const redaction = await eventIn(bridge, 'the redaction', ({ type }) => type === 'm.room.redaction');
  assert.deepEqual([redaction.sender, redaction.content.reason], [homeserver.bot, 'deleted in Slack']);
});

test('what was said while the bridge was down is there after it came up, once, and so is what waited in Matrix', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, room, slack, person } = bridge;
  ann.say(general, 'before');
  await messageIn(bridge, 'before');
  await bridge.restart(async () => {
    const root = ann.say(general, 'meanwhile');
    ann.reply(general, root, 'in a thread');
    ann.say(general, 'meanwhile too');
    homeserver.say(person, room, 'waited in Matrix');
    for (const text of ['meanwhile', 'in a thread', 'meanwhile too']) await givenUp(slack, text);
  });
  for (const body of ['meanwhile', 'in a thread', 'meanwhile too']) await messageIn(bridge, body);
  ann.say(general, 'after');
  await messageIn(bridge, 'after');
  const bodies = homeserver
    .events(room)
    .filter(({ type, sender }) => type === 'm.room.message' && sender !== person)
    .map(({ content }) => content.body);
  assert.deepEqual(bodies, ['before', 'meanwhile', 'in a thread', 'meanwhile too', 'after']);
  await ann.waitForMessage(general, 'waited in Matrix');
  assert.equal(ann.texts(general).filter((text) => text === 'waited in Matrix').length, 1);
});

// A whole bridge between Slack and Matrix: what is said on one side stands on the other, changes too; and what a person did by other
// means is theirs, what we did is not told again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;
type Event = ReturnType<Bridge['homeserver']['events']>[number];

const eventIn = ({ homeserver, room }: Bridge, what: string, fits: (event: Event) => unknown) =>
  until(what, () => homeserver.events(room).find((event) => fits(event)));
const messageIn = (bridge: Bridge, body: string) =>
  eventIn(bridge, body, ({ type, content }) => type === 'm.room.message' && content.body === body);

for (const transport of ['socket', 'events', 'rtm'] as const)
  test(`${transport}: a message goes both ways, and so does what becomes of it`, { timeout: 30_000 }, async (t) => {
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

test('somebody in Slack takes away what the bot said for a person: the bot takes it away in the room', { timeout: 30_000 }, async (t) => {
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
  timeout: 30_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { ann, general, homeserver, room } = bridge;
  ann.say(general, 'before');
  await messageIn(bridge, 'before');
  await bridge.restart(async () => {
    const root = ann.say(general, 'meanwhile');
    ann.reply(general, root, 'in a thread');
    ann.say(general, 'meanwhile too');
  });
  for (const body of ['meanwhile', 'in a thread', 'meanwhile too']) await messageIn(bridge, body);
  ann.say(general, 'after');
  await messageIn(bridge, 'after');
  const bodies = homeserver
    .events(room)
    .filter(({ type }) => type === 'm.room.message')
    .map(({ content }) => content.body);
  assert.deepEqual(bodies, ['before', 'meanwhile', 'in a thread', 'meanwhile too', 'after']);
});

// A workspace's own emoji over a whole bridge: pictures in Matrix, their names in Slack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

const find = ({ homeserver, room }: WholeBridge, type: string, words: string) =>
  until(`${words} in the room`, () =>
    homeserver.events(room).find((event) => event.type === type && JSON.stringify(event.content).includes(words)),
  );

test('a workspace’s own emoji are pictures in words and as reactions, added meanwhile or under another name; back they go by name', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { slack, team, ann, general, homeserver, person, room } = bridge;
  const ts = ann.say(general, 'at first');
  const { event_id } = await find(bridge, 'm.room.message', 'at first');
  slack.people.addEmoji(team, 'partyparrot', `${slack.url}/emoji/T0001/partyparrot/1.png`);
  slack.people.addEmoji(team, 'boogie', 'alias:partyparrot');
  await until(
    'both to be taken',
    () =>
      slack.deliveries.items.filter(({ what, outcome }) => what === 'emoji_changed/add' && outcome === 'taken').length === 2 || undefined,
  );
  ann.say(general, 'look :partyparrot: and :boogie: and :nobody:');
  const { content } = await find(bridge, 'm.room.message', 'look');
  assert.equal(content.body, 'look :partyparrot: and :boogie: and :nobody:');
  const [first, second, ...more] = String(content.formatted_body).match(/<img [^>]*>/g) ?? [];
  const source = /src="(mxc:[^"]+)"/.exec(first ?? '')?.[1] ?? assert.fail(JSON.stringify(content));
  assert.match(first ?? '', /data-mx-emoticon.* alt=":partyparrot:"/);
  assert.ok(second?.includes(`src="${source}"`) && second.includes('alt=":boogie:"'), 'the same picture');
  assert.deepEqual(more, []);
  assert.ok((homeserver.world.media.get(source.replace('mxc://hs.test/', ''))?.bytes.length ?? 0) > 0, 'it was brought');
  ann.react(general, ts, 'boogie');
  const given = (await find(bridge, 'm.reaction', 'boogie')).content;
  assert.deepEqual([(given['m.relates_to'] as { key: string }).key, given.shortcode], [source, ':boogie:']);

  const key = { 'm.relates_to': { rel_type: 'm.annotation', event_id, key: source }, shortcode: 'partyparrot' };
  homeserver.say(person, room, key, 'm.reaction');
  await ann.waitForMessage(general, ({ reactions }) => reactions?.some(({ name }) => name === 'partyparrot') === true);
  const img = `<img data-mx-emoticon src="${source}" alt=":partyparrot:" title=":partyparrot:">`;
  homeserver.say(person, room, {
    ...{ msgtype: 'm.text', body: 'so :partyparrot:', format: 'org.matrix.custom.html' },
    formatted_body: `so ${img}`,
  });
  const { blocks } = await ann.waitForMessage(general, /^so/);
  assert.match(JSON.stringify(blocks), /{"type":"emoji","name":"partyparrot"/);
});

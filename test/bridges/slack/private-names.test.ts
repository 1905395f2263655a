// What a channel is called from the moment in which it is made private: told to nobody in its room who is not in the channel, be it in
// state, in notices or in what clients show of the bridge.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { bodiesIn, talk } from './matrix-side.ts';
import { tellsLate } from './told-late.ts';
import { wholeBridge } from './whole-bridge.ts';

const inTime = { timeout: 180_000 };

/** A public channel of Ann and Bob, whose room has Eve in it, who is nobody in Slack. */
async function begin(t: TestContext, isPrivateToo: boolean, transport: 'socket' | 'events' = 'socket') {
  const bridge = await wholeBridge(t, {
    transport,
    core: { portals: { aliases: true, directory: true, spaces: true } },
    section: () => ({ team_sync: { rooms_per_minute: 6_000, allow_private: isPrivateToo } }),
  });
  const { homeserver, ann, bob } = bridge;
  const eve = homeserver.user('eve', 'Eve');
  const launch = ann.createChannel('launch');
  ann.invite(launch, bob);
  const shownAs = (id: string) => homeserver.room(id).stateOf('m.bridge', `dev.causeway://slack/T0001/${launch.id}`)?.content.channel;
  const room = await until('the room', () => [...homeserver.world.rooms.keys()].find((id) => shownAs(id) !== undefined));
  homeserver.join(eve, room);
  ann.say(launch, 'for all');
  await until('the words', () => bodiesIn(bridge, room).includes('for all'));
  const order = () => homeserver.events(room).map(({ type, content, state_key }) => ({ type, state_key, words: JSON.stringify(content) }));
  return {
    ...{ ...bridge, eve, launch, room },
    displayed: () => (shownAs(room) as { displayname?: string } | undefined)?.displayname,
    name: () => homeserver.room(room).stateOf('m.room.name')?.content.name,
    saying: (words: RegExp) => homeserver.events(room).filter(({ content }) => words.test(JSON.stringify(content))),
    told: (words: RegExp) => until(String(words), () => bodiesIn(bridge, room).find((body) => words.test(body))),
    /** As Slack repeats what was not taken in time; by Events API. */
    late: tellsLate(bridge),
    /** That these words stand nowhere in the room before Eve is out of it. */
    notBefore(words: string) {
      const out = order().findLastIndex(({ type, state_key }) => type === 'm.room.member' && state_key === eve);
      const first = order().findIndex((event) => event.words.includes(words));
      assert.ok(homeserver.room(room).membership(eve) === 'leave' && first > out, JSON.stringify(order().slice(out - 3), undefined, 1));
    },
  };
}

test('renamed while the bridge is away: nothing in its room says the new name until others are out of it', inTime, async (t) => {
  const scene = await begin(t, true);
  const { ann, homeserver } = scene;
  homeserver.fault({ on: 'POST .*/kick', times: 1, act: { wait: 800 } });
  await scene.restart(async () => {
    ann.convert(scene.launch, true);
    ann.rename(scene.launch, 'layoffs');
  });
  await until('the name', () => scene.name() === '#layoffs' && scene.displayed() === '#layoffs');
  scene.notBefore('layoffs');
});

test('renamed while the bot was out of it, and let in again: likewise, nor does the notice that it is back say it', inTime, async (t) => {
  const scene = await begin(t, true);
  const { ann, bot, launch, homeserver } = scene;
  ann.kick(launch, bot.user);
  await scene.told(/was removed from the channel in Slack/);
  homeserver.fault({ on: 'POST .*/kick', times: 1, act: { wait: 800 } });
  ann.convert(launch, true);
  ann.rename(launch, 'layoffs');
  ann.invite(launch, bot.user);
  await until('the name', () => scene.name() === '#layoffs' && scene.displayed() === '#layoffs');
  scene.notBefore('layoffs');
});

test('where private ones have no room it is never said; once it is public again the room bears its new name', inTime, async (t) => {
  const scene = await begin(t, false);
  const { ann, bob, launch } = scene;
  await scene.restart(async () => {
    ann.convert(launch, true);
    ann.rename(launch, 'layoffs');
  });
  await scene.told(/private now/);
  ann.rename(launch, 'layoffs-2');
  bob.say(launch, 'for few');
  ann.rename(launch, 'garden');
  ann.convert(launch, false);
  await scene.told(/is shown here again/);
  await until('the name', () => scene.name() === '#garden' && scene.displayed() === '#garden');
  assert.deepEqual(scene.saying(/layoffs/), []);
});

test('what Slack tells late of a time when it was private is not said once it is public; nor is an old name taken for the new one', {
  ...inTime,
}, async (t) => {
  const scene = await begin(t, false, 'events');
  const { ann, bob, launch, late } = scene;
  const at = (Date.now() / 1_000 - 60).toFixed(6);
  ann.rename(launch, 'garden');
  await until('the name', () => scene.name() === '#garden' && scene.displayed() === '#garden');
  await late({ type: 'channel_rename', channel: { id: launch.id, name: 'start' }, event_ts: at });
  await late({ type: 'group_rename', channel: { id: launch.id, name: 'layoffs' }, event_ts: at });
  const posted = { type: 'message', channel: launch.id, user: bob.user.id, ts: at, event_ts: at };
  await late({ ...posted, subtype: 'group_topic', topic: 'layoffs, who goes', channel_type: 'group' });
  await late({ ...posted, text: 'layoffs, for few', channel_type: 'group', ts: (Number(at) + 1).toFixed(6) });
  bob.say(launch, 'for all again');
  await scene.told(/for all again/);
  assert.deepEqual([scene.name(), scene.displayed()], ['#garden', '#garden']);
  assert.deepEqual(scene.saying(/layoffs|start/), []);
});

test('nor is it told to who asks there, be it the bot, by an invitation or by a program', inTime, async (t) => {
  const scene = await begin(t, false);
  const { ann, bob, eve, launch, homeserver, slack, room, url } = scene;
  const ghost = homeserver.members(room).find((user) => user.includes(ann.id.toLowerCase())) ?? assert.fail('no ghost of Ann');
  ann.convert(launch, true);
  await scene.told(/private now/);
  const before = slack.callsOf('conversations.info').length;
  ann.rename(launch, 'layoffs');
  await until('a look at it', () => slack.callsOf('conversations.info').length > before);
  for (const [person, line, answer] of [
    [eve, 'list acme', /from portal/],
    [scene.person, 'list acme', /from portal/],
    [eve, `unlink ${room}`, /power/],
  ] as const) {
    const { said } = await talk({ homeserver, person });
    assert.doesNotMatch(await said(line, answer), /layoffs/);
  }
  homeserver.leave(ghost, room);
  homeserver.invite(eve, room, ghost);
  await until('the answer', () => homeserver.events(room).some(({ content }) => /linked to the channel/.test(String(content.reason))));
  const asked = await fetch(`${url}/_matrix/provision/getlink`, {
    method: 'POST',
    headers: { authorization: `Bearer ${homeserver.hsToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: eve, matrix_room_id: room }),
  });
  assert.equal(((await asked.json()) as { slack_channel_name?: string }).slack_channel_name, 'the channel');
  await bob.command(launch, '/matrix unlink');
  await scene.told(/took the link away/);
  assert.deepEqual(scene.saying(/layoffs/), []);
});

test(
  'made private without anybody telling: who finds that in a list closes its room, and what is said is shown there',
  inTime,
  async (t) => {
    const scene = await begin(t, true);
    const { ann, bob, eve, launch, homeserver, slack, app, room, url } = scene;
    const dan = homeserver.user('dan', 'Dan');
    homeserver.join(dan, room);
    const { said } = await talk({ homeserver, person: eve });
    await said('login token', /token/i);
    await said(slack.setup.authorize(app, bob.user).value, /Bob Example/);
    slack.eventFault({ on: 'message/channel_convert_to_private', act: 'drop' });
    ann.convert(launch, true);
    const listed = await fetch(`${url}/_matrix/provision/channels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${homeserver.hsToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: eve, team_id: 'T0001' }),
    });
    assert.match(await listed.text(), /launch/);
    ann.say(launch, 'for few');
    await scene.told(/for few/);
    assert.deepEqual(
      [eve, dan].map((user) => homeserver.room(room).membership(user)),
      ['join', 'leave'],
    );
  },
);

test('another workspace, which shares the channel, may keep it private: it is as open here as it is in ours', inTime, async (t) => {
  const { bob, launch, late, slack, ...scene } = await begin(t, false, 'events');
  const posted = (words: string, seconds: number) => {
    const ts = (Date.now() / 1_000 + seconds).toFixed(6);
    return { type: 'message', channel: launch.id, user: bob.user.id, text: words, channel_type: 'group', ts, event_ts: ts };
  };
  const asked = slack.callsOf('conversations.info').length;
  for (const number of [1, 2, 3]) await late(posted(`from there ${number}`, number / 1_000), 'T0002');
  await scene.told(/from there 3/);
  assert.equal(scene.saying(/from there/).length, 3);
  assert.equal(slack.callsOf('conversations.info').length, asked);
});

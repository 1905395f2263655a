// Private channels of a workspace that is kept in step: their rooms are for those alone who are in them by a login of their own, whatever
// becomes of the channel; and whoever could bring the bot in is asked to, once.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ChannelId } from '#bridge-core';
import { until } from '../../support/waiting.ts';
import { bodiesIn, logIn, talk } from './matrix-side.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';
import { withAdapter } from './with-slack.ts';

const transports = ['socket', 'events', 'rtm'] as const;
const quickly = { rooms_per_minute: 6_000 };
const core = { portals: { aliases: true, directory: true, spaces: true, moderators: ['@op:hs.test'] } };

interface Scene extends WholeBridge {
  /** Nobody in Slack, and no admin of the bridge. */
  readonly eve: string;
  state(room: string, type: string): Record<string, unknown> | undefined;
  /** The room of this channel beside those that people brought, once it carries. */
  roomOf(channel: string): Promise<string>;
  find(channel: string): string | undefined;
  /** That the room shows these words, in this order, and none of the rest. */
  shows(room: string, ...words: readonly string[]): Promise<void>;
  membership(room: string, person?: string): string;
}

async function begin(
  t: TestContext,
  wish: { sync?: object; private?: boolean; more?: Parameters<typeof wholeBridge>[1] } = {},
): Promise<Scene> {
  const bridge = await wholeBridge(t, {
    core,
    section: ({ slack, team, ann, bob, bot }) => {
      if (wish.private !== false) slack.addChannel(team, 'secret', [ann, bob, bot.user], { id: 'C0SECRET', isPrivate: true });
      return { team_sync: { ...quickly, allow_private: true, ...wish.sync } };
    },
    ...wish.more,
  });
  const { homeserver } = bridge;
  const state: Scene['state'] = (room, type) => homeserver.room(room).stateOf(type)?.content;
  const find = (channel: string) =>
    [...homeserver.world.rooms.values()].find(
      (room) => room.id !== bridge.room && room.stateOf('m.bridge', `dev.causeway://slack/T0001/${channel}`) !== undefined,
    )?.id;
  return {
    ...{ ...bridge, state, find, eve: homeserver.user('eve', 'Eve') },
    roomOf: (channel) => until(`a room of ${channel}; ${bridge.lines.slice(-3).join('; ')}`, () => find(channel)),
    async shows(room, ...words) {
      const last = words.at(-1) ?? '';
      await until(`“${last}” in ${bodiesIn(bridge, room).slice(-4).join(' | ')}`, () => bodiesIn(bridge, room).includes(last));
      const ghosts = homeserver.messages(room).filter(({ sender }) => sender !== homeserver.bot);
      assert.deepEqual(
        ghosts.map(({ content }) => String(content.body)),
        words,
      );
    },
    membership: (room, person = bridge.person) => homeserver.room(room).membership(person),
  };
}

/** Alice, who is ann, comes into the room of the channel. */
async function come(scene: Scene, channel: string): Promise<string> {
  await logIn(scene);
  const room = await scene.roomOf(channel);
  await until('her to be asked in', () => scene.membership(room) === 'invite');
  scene.homeserver.join(scene.person, room);
  return room;
}

for (const transport of transports)
  test(`by ${transport}: a private channel that the bot is in has a room for its people; to others it is what is not there`, {
    timeout: 180_000,
  }, async (t) => {
    const scene = await begin(t, { more: { transport } });
    const { homeserver, ann, bob, slack, eve, url } = scene;
    const room = await come(scene, 'C0SECRET');
    assert.deepEqual([scene.state(room, 'm.room.name')?.name, scene.state(room, 'm.room.join_rules')?.join_rule], ['#secret', 'invite']);
    bob.say('C0SECRET', 'between us');
    await scene.shows(room, 'between us');
    homeserver.say(scene.person, room, 'and back');
    const seen = await bob.waitForMessage('C0SECRET', 'and back');
    assert.equal(seen.user, ann.id);

    const { pusher, world } = homeserver;
    const alias = encodeURIComponent('#slack_t0001_c0secret:hs.test');
    assert.equal((await pusher.ask('GET', `/_matrix/app/v1/rooms/${alias}`)).status, 404);
    assert.ok(!world.listed.has(room) && ![...world.aliases.values()].includes(room));
    const spaces = [...world.rooms.values()].filter((each) => each.stateOf('m.room.create')?.content.type === 'm.space');
    assert.ok(!spaces.some((each) => each.stateOf('m.space.child', room)));
    const call = async (user: string, path: string, input: object) => {
      const headers = { authorization: `Bearer ${homeserver.hsToken}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ user_id: user, ...input });
      return await (await fetch(`${url}/_matrix/provision/${path}`, { method: 'POST', headers, body })).text();
    };
    const [here, nowhere] = ['C0SECRET', 'C0NOWHERE'];
    // One of them is an admin.
    for (const who of [eve, homeserver.user('op', 'Op')]) {
      const { said } = await talk({ ...scene, person: who });
      for (const words of ['link !r:hs.test', 'unlink !r:hs.test'])
        assert.equal(
          (await said(`${words} ${here}`, /not done/)).replaceAll(here, ''),
          (await said(`${words} ${nowhere}`, /not done/)).replaceAll(nowhere, ''),
        );
      assert.doesNotMatch(await said('list', /linked|general/), /secret/i);
      for (const path of ['channelinfo', 'link']) {
        const answers = [];
        for (const id of [here, nowhere])
          answers.push((await call(who, path, { team_id: 'T0001', channel_id: id, matrix_room_id: '!r:hs.test' })).replaceAll(id, ''));
        assert.equal(answers[0], answers[1]);
      }
      assert.doesNotMatch(await call(who, 'channels', { team_id: 'T0001' }), /secret/i);
      assert.doesNotMatch(await call(who, 'getlink', { matrix_room_id: room }), /secret/i);
    }
    assert.doesNotMatch(await (await fetch(`${url}/metrics`)).text(), /secret/i);

    // Who is taken out in Slack is out before the next word.
    bob.kick('C0SECRET', ann);
    bob.say('C0SECRET', 'she is gone');
    await scene.shows(room, 'between us', 'and back', 'she is gone');
    assert.equal(scene.membership(room), 'leave');
    bob.invite('C0SECRET', ann);
    await until('her to be asked in again', () => scene.membership(room) === 'invite');
    assert.deepEqual(slack.undocumented, []);
  });

test('by another id it is the same channel, with the same people and the same room', { timeout: 180_000 }, async (t) => {
  const scene = await begin(t);
  const { slack, bob, ann } = scene;
  const room = await come(scene, 'C0SECRET');
  const secret = slack.world.channels.get('C0SECRET') ?? assert.fail('no channel');
  slack.channels.changeId(secret);
  bob.say(secret, 'under another id');
  await scene.shows(room, 'under another id');
  assert.equal(scene.membership(room), 'join');
  bob.kick(secret, ann);
  await until('her to be out', () => scene.membership(room) === 'leave');
});

test('after a start, and after Slack was away, who was taken out meanwhile is out before anything of meanwhile is shown', {
  timeout: 180_000,
}, async (t) => {
  const scene = await begin(t);
  const { homeserver, ann, bob, slack, app, person } = scene;
  const room = await come(scene, 'C0SECRET');
  bob.say('C0SECRET', 'first');
  await scene.shows(room, 'first');
  const outBefore = (words: string) => {
    const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
    return order.lastIndexOf(person) < order.indexOf(words) && scene.membership(room) === 'leave';
  };
  const made = () => homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length;
  const before = made();
  await scene.restart(async () => {
    bob.kick('C0SECRET', ann);
    bob.say('C0SECRET', 'second');
  });
  await scene.shows(room, 'first', 'second');
  assert.ok(outBefore('second'));
  assert.equal(made(), before);
  bob.invite('C0SECRET', ann);
  await until('her to be asked in again', () => scene.membership(room) === 'invite');
  homeserver.join(person, room);

  await slack.down();
  await until('the loss', () => slack.socketMode.connections(app) === 0 || undefined);
  bob.kick('C0SECRET', ann);
  bob.say('C0SECRET', 'third');
  await slack.up();
  await scene.shows(room, 'first', 'second', 'third');
  assert.ok(outBefore('third'));
  await slack.down();
  await until('the loss', () => slack.socketMode.connections(app) === 0 || undefined);
  bob.invite('C0SECRET', ann);
  await slack.up();
  await until('her to be asked in again', () => scene.membership(room) === 'invite');
});

for (const transport of transports)
  test(`by ${transport}: a channel that is made private keeps its room for those who are in it, before its eyes or behind its back; made public it is open`, {
    timeout: 180_000,
  }, async (t) => {
    const scene = await begin(t, { private: false, more: { transport } });
    const { homeserver, ann, bob, bot, person, eve } = scene;
    await logIn(scene);
    const launch = ann.createChannel('launch');
    ann.invite(launch, bob);
    const room = await scene.roomOf(launch.id);
    const alias = `#slack_t0001_${launch.id.toLowerCase()}:hs.test`;
    for (const user of [person, eve]) homeserver.join(user, room);
    ann.say(launch, 'for all');
    await scene.shows(room, 'for all');
    ann.convert(launch, true);
    bob.say(launch, 'for few');
    await scene.shows(room, 'for all', 'for few');
    assert.deepEqual([scene.membership(room), scene.membership(room, eve)], ['join', 'leave']);
    assert.deepEqual([scene.state(room, 'm.room.join_rules')?.join_rule, launch.members.has(ann.id)], ['invite', true]);
    await until('no trace', () => !homeserver.world.listed.has(room) && !homeserver.world.aliases.has(alias));
    ann.convert(launch, false);
    await until('the open door', () => scene.state(room, 'm.room.join_rules')?.join_rule === 'public');
    await until('the alias', () => homeserver.world.listed.has(room) && homeserver.world.aliases.get(alias) === room);
    homeserver.join(eve, room);
    bob.say(launch, 'for all again');
    await scene.shows(room, 'for all', 'for few', 'for all again');

    await scene.restart(async () => {
      ann.convert(launch, true);
      ann.rename(launch, 'layoffs');
      bob.say(launch, 'for few again');
    });
    await scene.shows(room, 'for all', 'for few', 'for all again', 'for few again');
    assert.deepEqual([scene.membership(room), scene.membership(room, eve)], ['join', 'leave']);
    const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
    assert.ok(order.lastIndexOf(eve) < order.indexOf('for few again'));
    await until('its name', () => scene.state(room, 'm.room.name')?.name === '#layoffs');
    const named = () => homeserver.events(room).filter((event) => JSON.stringify(event).includes('layoffs'));
    await until('what clients show of it', () => named().some(({ type }) => type === 'm.bridge'));
    const [gone] = homeserver
      .events(room)
      .filter(({ state_key, content }) => state_key === eve && content.membership === 'leave')
      .slice(-1);
    assert.ok(named().every(({ arrived }) => arrived >= (gone?.arrived ?? Number.POSITIVE_INFINITY)));

    // Put out and brought in again the bot goes on, in the same room.
    ann.kick(launch, bot.user);
    await until('the notice', () => bodiesIn(scene, room).some((body) => /was removed from the channel in Slack/.test(body)));
    bob.say(launch, 'without it');
    ann.invite(launch, bot.user);
    await scene.shows(room, 'for all', 'for few', 'for all again', 'for few again', 'without it');
  });

test('without allow_private one that is made private while the bridge is away shows nothing of it', { timeout: 180_000 }, async (t) => {
  const scene = await begin(t, { sync: { allow_private: false } });
  const { homeserver, ann, bob, eve } = scene;
  const launch = ann.createChannel('launch');
  ann.invite(launch, bob);
  const room = await scene.roomOf(launch.id);
  homeserver.join(eve, room);
  ann.say(launch, 'for all');
  await scene.shows(room, 'for all');
  await scene.restart(async () => {
    ann.convert(launch, true);
    ann.rename(launch, 'layoffs');
    ann.setTopic(launch, 'of layoffs');
    bob.say(launch, 'for few');
  });
  await until('the words for it', () => bodiesIn(scene, room).some((body) => /is private now/.test(body)));
  bob.say(launch, 'for few still');
  await scene.restart(async () => {
    bob.say(launch, 'for few in the night');
  });
  assert.doesNotMatch(JSON.stringify(homeserver.events(room)), /layoffs/);
  ann.convert(launch, false);
  await until('the words for it', () => bodiesIn(scene, room).some((body) => /is shown here again/.test(body)));
  bob.say(launch, 'for all again');
  await scene.shows(room, 'for all', 'for all again');
  assert.equal(scene.find('C0SECRET'), undefined);
});

test('what is denied has no room, private or not, by its new name too; one that the bot is brought into has one', {
  timeout: 180_000,
}, async (t) => {
  const scene = await begin(t, { sync: { deny: ['sec*', 'hr-*'] } });
  const { ann, bob, bot, homeserver } = scene;
  await logIn(scene);
  const board = ann.createChannel('board', { isPrivate: true });
  ann.invite(board, bob);
  ann.invite(board, bot.user);
  const room = await scene.roomOf(board.id);
  await until('her to be asked in', () => scene.membership(room) === 'invite');
  homeserver.join(scene.person, room);
  assert.equal(scene.find('C0SECRET'), undefined);
  const { said } = await talk(scene);
  assert.match(await said('status', /as a whole/), /rooms for 2 of 2 channels/);
  ann.rename(board, 'hr-board');
  await until('the closed room', () => scene.state(room, 'm.room.power_levels')?.events_default === 100);
  bob.say(board, 'not any more');
  ann.rename(board, 'round-table');
  await until('the open room', () => scene.state(room, 'm.room.power_levels')?.events_default === 0);
  bob.say(board, 'again');
  await scene.shows(room, 'again');
  assert.equal(scene.membership(room), 'join');
});

test('whoever made a channel that does not let the bot in is asked once to bring it in, over restarts; of what is denied nobody is', {
  timeout: 180_000,
}, async (t) => {
  const hint = { hint_channel_admins: true, deny: ['hr-*'] };
  const scene = await begin(t, {
    more: {
      section: ({ slack, team, ann, bob }) => {
        for (const [id, name, by] of [
          ['C0STUCK', 'stuck', bob],
          ['C0HRPAY', 'hr-pay', bob],
          ['C0OTHER', 'other', ann],
        ] as const) {
          slack.addChannel(team, name, [by], { id });
          slack.fault({ on: 'conversations.join', channel: id, act: { error: 'restricted_action' } });
        }
        return { team_sync: { ...quickly, ...hint } };
      },
    },
  });
  const { slack, ann, bob, bot, lines } = scene;
  const told = (person: typeof ann) => {
    const chat = [...slack.world.channels.values()].find(({ kind, members }) => kind === 'im' && members.has(person.id));
    return chat === undefined ? [] : person.sees(chat).map(({ text }) => text ?? '');
  };
  await until('both to be asked', () => told(ann).length > 0 && told(bob).length > 0);
  const words = (name: string) => new RegExp(`^To bring #${name} to Matrix, write “/invite @${bot.user.name}” in it`);
  assert.match(told(bob)[0] ?? '', words('stuck'));
  assert.match(told(ann)[0] ?? '', words('other'));
  const refusals = () => lines.filter((line) => line.startsWith('no room was made for a channel')).length;
  assert.equal(refusals(), 2);
  await scene.restart();
  await until('both to be tried again', () => refusals() === 4);
  assert.deepEqual([told(ann).length, told(bob).length], [1, 1]);
  bob.invite('C0STUCK', bot.user);
  await scene.roomOf('C0STUCK');
  assert.deepEqual(slack.undocumented, []);
});

test('one that is made private behind the bot’s back closes its room, and goes on in it, for its people, once the bot is brought in', {
  timeout: 180_000,
}, async (t) => {
  const scene = await begin(t, { private: false });
  const { ann, bob, bot, eve, homeserver, slack } = scene;
  const launch = ann.createChannel('launch');
  ann.invite(launch, bob);
  const room = await scene.roomOf(launch.id);
  homeserver.join(eve, room);
  bob.kick(launch, bot.user);
  await until('the notice', () => bodiesIn(scene, room).some((body) => /was removed from the channel in Slack/.test(body)));
  ann.convert(launch, true);
  bob.say(launch, 'for few');
  // It is told of nothing of that; a look finds it.
  await scene.restart();
  await until('the closed room', () => scene.state(room, 'm.room.power_levels')?.events_default === 100);
  bob.say(launch, 'for few still');
  // Others are kept out and words are let in at the same time, and both are written in the room's power levels.
  homeserver.fault({ on: 'PUT .*/state/m.room.join_rules', times: 1, act: { wait: 500 } });
  ann.invite(launch, bot.user);
  await until('the open room', () => scene.state(room, 'm.room.power_levels')?.events_default === 0);
  bob.say(launch, 'for few again');
  await scene.shows(room, 'for few again');
  assert.equal(scene.state(room, 'm.room.join_rules')?.join_rule, 'invite');
  assert.equal(scene.membership(room, eve), 'leave');
  assert.deepEqual(slack.undocumented, []);
});

test('one that the bot is brought into before anybody looked, private by now: what was said since is shown to its people alone', {
  timeout: 180_000,
}, async (t) => {
  const scene = await begin(t, { private: false });
  const { ann, bob, bot, eve, homeserver } = scene;
  const launch = ann.createChannel('launch');
  ann.invite(launch, bob);
  const room = await scene.roomOf(launch.id);
  homeserver.join(eve, room);
  bob.say(launch, 'for all');
  await scene.shows(room, 'for all');
  bob.kick(launch, bot.user);
  await until('the notice', () => bodiesIn(scene, room).some((body) => /was removed from the channel in Slack/.test(body)));
  ann.convert(launch, true);
  bob.say(launch, 'for few');
  ann.invite(launch, bot.user);
  await scene.shows(room, 'for all', 'for few');
  const order = homeserver.events(room).map(({ type, state_key, content }) => (type === 'm.room.message' ? content.body : state_key));
  assert.ok(order.lastIndexOf(eve) < order.indexOf('for few') && scene.membership(room, eve) === 'leave');
});

test('a look that finds one made private behind the bot’s back asks its maker; one that the bot was put out of asks nobody', {
  timeout: 180_000,
}, async (t) => {
  const settings = { team_sync: { allow_private: true, hint_channel_admins: true } };
  const { adapter, slack, team, ann, bob, bot } = await withAdapter(t, { settings });
  const [launch, secret] = [
    slack.addChannel(team, 'launch', [ann, bob]),
    slack.addChannel(team, 'secret', [bob, bot.user], { isPrivate: true }),
  ];
  const look = (channel: { readonly id: string }) => adapter.mirror.channel(`T0001/${channel.id}` as ChannelId);
  for (const channel of [launch, secret]) assert.ok('channel' in (await look(channel)));
  ann.convert(launch, true);
  bob.kick(secret, bot.user);
  for (const channel of [launch, launch]) assert.deepEqual(await look(channel), { why: 'hidden' });
  assert.deepEqual(await look(secret), { why: 'shut-out' });
  const posts = () => slack.callsOf('chat.postMessage').map(({ args }) => String(args.text));
  await until('the question', () => posts().length > 0);
  assert.match(posts()[0] ?? '', new RegExp(`^To bring #launch to Matrix, write “/invite @${bot.user.name}” in it`));
  await adapter.disconnect();
  assert.equal(posts().length, 1);
});

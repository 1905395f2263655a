// Whole workspaces kept in step: every channel has a room that follows it, people's names are followed though they do not speak.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelId } from '#bridge-core';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';
import { withAdapter } from './with-slack.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

const quickly = { rooms_per_minute: 6_000 };
const core = { portals: { directory: true, spaces: true } };

const roomOf = ({ homeserver }: Bridge, id: string) => homeserver.world.aliases.get(`#slack_t0001_${id.toLowerCase()}:hs.test`);
const state = ({ homeserver }: Bridge, room: string, type: string, key = '') => homeserver.room(room).stateOf(type, key)?.content;
const said = ({ homeserver }: Bridge, room: string) => homeserver.messages(room).map(({ content }) => String(content.body));
const isClosed = (bridge: Bridge, room: string) => state(bridge, room, 'm.room.power_levels')?.events_default === 100;

/** Once it carries. */
const opened = (bridge: Bridge, id: string) =>
  until(`a room of ${id}; ${bridge.lines.slice(-3).join('; ')}`, () => {
    const room = roomOf(bridge, id);
    return room !== undefined && state(bridge, room, 'm.bridge', `dev.causeway://slack/T0001/${id}`) !== undefined ? room : undefined;
  });

test('every public channel has a room that follows it: new, renamed, described, archived, private, deleted', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    core,
    section: ({ slack, team, ann }) => {
      slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS', topic: 'of this year' });
      slack.addChannel(team, 'hr-pay', [ann], { id: 'C0HRPAY' });
      slack.addChannel(team, 'secret', [ann], { id: 'C0SECRET', isPrivate: true });
      return { team_sync: { ...quickly, deny: ['hr-*'] } };
    },
  });
  const { ann, slack, homeserver, general, room: brought } = bridge;
  const plans = await opened(bridge, 'C0PLANS');
  assert.deepEqual([state(bridge, plans, 'm.room.name')?.name, state(bridge, plans, 'm.room.topic')?.topic], ['#plans', 'of this year']);
  assert.ok(homeserver.world.listed.has(plans));
  await until(
    'the space',
    () => state(bridge, plans, 'm.space.parent', '') ?? homeserver.requests.some(({ path }) => path.includes('m.space.child')),
  );

  const launch = ann.createChannel('launch');
  const room = await opened(bridge, launch.id);
  assert.equal(slack.callsOf('conversations.join').length, 2);
  ann.say(launch, 'we begin');
  await until('the words', () => said(bridge, room).includes('we begin'));
  // Nothing for who is denied or private, and none beside a room that people brought.
  for (const id of ['C0HRPAY', 'C0SECRET', general.id]) assert.equal(roomOf(bridge, id), undefined, id);

  ann.rename(launch, 'liftoff');
  await until('the name', () => state(bridge, room, 'm.room.name')?.name === '#liftoff');
  ann.setTopic(launch, 'soon');
  await until('the topic', () => state(bridge, room, 'm.room.topic')?.topic === 'soon');
  ann.archive(launch);
  await until('the closed room', () => isClosed(bridge, room) && !homeserver.world.listed.has(room));
  await until('the words for it', () => said(bridge, room).some((line) => line.includes('archived the channel')));
  ann.unarchive(launch);
  await until('the open room', () => !isClosed(bridge, room) && homeserver.world.listed.has(room));

  ann.convert(launch, true);
  await until('the closed room', () => isClosed(bridge, room));
  ann.say(launch, 'among us');
  ann.convert(launch, false);
  await until('the open room', () => !isClosed(bridge, room));
  ann.say(launch, 'for all');
  await until('the words', () => said(bridge, room).includes('for all'));
  assert.ok(!said(bridge, room).includes('among us'));
  // By its new name it is to have none.
  ann.rename(launch, 'hr-launch');
  await until('the closed room', () => isClosed(bridge, room));

  ann.deleteChannel(general);
  ann.deleteChannel('C0PLANS');
  await until('the end of the room', () => state(bridge, plans, 'm.room.tombstone')?.body === 'The channel was deleted in Slack.');
  await until('the words for it', () => said(bridge, brought).some((line) => line.startsWith('The channel was deleted in Slack.')));
  await until('the list without it', () => !homeserver.world.listed.has(plans) && roomOf(bridge, 'C0PLANS') === undefined);
  assert.equal(state(bridge, brought, 'm.room.tombstone'), undefined);
  assert.deepEqual(slack.undocumented, []);
});

test('a start brings what happened meanwhile, makes nothing twice and asks for no channel by itself', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    core,
    section: ({ slack, team, ann }) => {
      for (const name of ['plans', 'games', 'news']) slack.addChannel(team, name, [ann], { id: `C0${name.toUpperCase()}` });
      return { team_sync: quickly };
    },
  });
  const { ann, slack, homeserver } = bridge;
  const [plans, games] = [await opened(bridge, 'C0PLANS'), await opened(bridge, 'C0GAMES'), await opened(bridge, 'C0NEWS')];
  const made = () => homeserver.requests.filter(({ path }) => path.endsWith('/createRoom')).length;
  const before = made();
  await bridge.restart(async () => {
    ann.rename('C0PLANS', 'plots');
    ann.archive('C0GAMES');
    ann.createChannel('later');
    ann.deleteChannel('C0NEWS');
  });
  await until('the name', () => state(bridge, plans, 'm.room.name')?.name === '#plots');
  await until('the closed room', () => isClosed(bridge, games));
  const later = [...slack.world.channels.values()].find(({ name }) => name === 'later');
  await opened(bridge, later?.id ?? '');
  assert.equal(made(), before + 1);
  await until('the words for it', () => said(bridge, games).some((line) => line.includes('archived')));
  // What clients show of where the room leads.
  const shown = () => bridge.homeserver.room(plans).stateOf('m.bridge', 'dev.causeway://slack/T0001/C0PLANS')?.content.channel;
  await until('the name', () => (shown() as { displayname?: string }).displayname === '#plots');
  const written = homeserver.events(plans).filter(({ type }) => type === 'm.bridge');
  assert.deepEqual(
    written.map(({ content }) => (content.channel as { displayname: string }).displayname),
    ['#plans', '#plots'],
  );
});

test('a large workspace is entered within Slack’s limits', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    slack: { limits: true },
    section: ({ slack, team, ann }) => {
      for (let number = 0; number < 54; number += 1) slack.addChannel(team, `room-${number}`, [ann], { id: `C1R${number}` });
      return { team_sync: { ...quickly, users: 'all' } };
    },
  });
  const { slack, ann, homeserver } = bridge;
  // While that goes on what is said goes first.
  ann.say('C1R0', 'meanwhile');
  await until('every room', () => homeserver.world.aliases.size === 54);
  const room = await opened(bridge, 'C1R0');
  ann.say('C1R0', 'at last');
  await until('the words', () => said(bridge, room).includes('at last'));
  // What comes back to a budget within its first minute is beyond it by Slack's count: one, which waits and is asked again.
  assert.ok(slack.limits.exceeded.length <= 1, JSON.stringify(slack.limits.exceeded));
  assert.ok(slack.callsOf('conversations.list').length <= 2);
  assert.ok(slack.callsOf('users.list').length <= 2);
  assert.ok(slack.callsOf('conversations.info').length <= 2, 'no channel is asked for by itself');
  await until('everybody’s ghost', () => homeserver.world.users.has('@slack_t0001_u0bob:hs.test'));
});

test('a channel that the bot may not enter by itself has a room once somebody brings it in', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, team, ann }) => {
      slack.addChannel(team, 'stuck', [ann], { id: 'C0STUCK' });
      slack.fault({ on: 'conversations.join', channel: 'C0STUCK', act: { error: 'method_not_supported_for_channel_type' } });
      return { team_sync: quickly };
    },
  });
  const { ann, bot, slack } = bridge;
  await until('the refusal', () => bridge.lines.find((line) => line.startsWith('no room was made for a channel')));
  assert.equal(roomOf(bridge, 'C0STUCK'), undefined);
  ann.invite('C0STUCK', bot.user);
  const room = await opened(bridge, 'C0STUCK');
  ann.say('C0STUCK', 'come in');
  await until('the words', () => said(bridge, room).includes('come in'));
  assert.equal(slack.callsOf('conversations.join').length, 1);
});

test('people whom Matrix knows are called as they are called now, though they do not speak', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, { section: () => ({ team_sync: { channels: false } }) });
  const { ann, general, room, homeserver } = bridge;
  ann.say(general, 'hello');
  await until('hello', () => said(bridge, room).includes('hello'));
  const nameOf = (id: string) => homeserver.world.users.get(`@slack_t0001_${id}:hs.test`)?.name;
  assert.equal(nameOf('u0ann'), 'Ann Example');
  await bridge.restart(async () => {
    ann.change({ displayName: 'Anna' });
  });
  await until('the new name', () => nameOf('u0ann') === 'Anna');
  assert.equal(homeserver.world.users.has('@slack_t0001_u0bob:hs.test'), false);
});

test('lists are read page by page, people on from where it stopped, and only who is meant is in them', { timeout: 180_000 }, async (t) => {
  const { adapter, slack, team, ann } = await withAdapter(t, {
    settings: { team_sync: { allow: ['team-*', 'C0ODD'], deny: ['team-9*'] } },
    timing: { pages: 1 },
  });
  for (let number = 0; number < 250; number += 1) slack.addChannel(team, `team-${number}`, [ann]);
  slack.addChannel(team, 'odd', [ann], { id: 'C0ODD' });
  const names: string[] = [];
  for await (const { channel } of adapter.mirror.channels('T0001')) names.push(channel.name);
  assert.equal(names.length, 250 - 11 + 1);
  assert.ok(names.includes('#odd') && !names.includes('#general') && !names.includes('#team-91'));
  assert.equal(slack.callsOf('conversations.list').length >= 2, true);
  assert.deepEqual(await adapter.mirror.channel('T0001/C0NONE' as ChannelId), { why: 'hidden' });
  assert.deepEqual(await adapter.mirror.channel('T0001/C0GENERAL' as ChannelId), { why: 'excluded' });

  slack.addPeople(team, 410);
  ann.deactivate();
  const pages = [];
  for await (const page of adapter.mirror.people('T0001')) pages.push(page);
  assert.equal(pages.length, 3);
  const people = pages.flatMap((page) => page.people);
  assert.ok(people.some(({ id }) => id === 'T0001/U0BOB') && !people.some(({ id }) => id === 'T0001/U0ANN'));
  const rest = [];
  for await (const page of adapter.mirror.people('T0001', pages[0]?.next)) rest.push(page);
  assert.deepEqual(rest, pages.slice(1));
  const anew = [];
  for await (const page of adapter.mirror.people('T0001', 'of-long-ago')) anew.push(page);
  assert.equal(anew.length, 3);
});

test('its space is called as the workspace is, from when that is renamed', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    core,
    section: ({ slack, team, ann }) => {
      slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
      return { team_sync: quickly };
    },
  });
  const { slack, team, homeserver } = bridge;
  const plans = await opened(bridge, 'C0PLANS');
  const space = await until('the space', () => [...homeserver.world.rooms.values()].find((room) => room.stateOf('m.space.child', plans)));
  const called = () => space.stateOf('m.room.name')?.content.name;
  assert.equal(called(), 'Acme');
  slack.people.renameTeam(team, 'Acme Two');
  await until('its new name', () => called() === 'Acme Two');
  await bridge.restart(async () => slack.people.renameTeam(team, 'Acme Three'));
  await until('its newest name', () => called() === 'Acme Three');
});

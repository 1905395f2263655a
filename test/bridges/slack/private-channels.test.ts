// What a private channel is called is its people's alone. Once the bot was put out of one, the room hears no more of it, though the
// channel's members are logged in, and is told so.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { channelId, remoteUserId, userId } from '#bridge-core';
import { toPlain } from '../../../bridge-core/format/to-html.ts';
import { until } from '../../support/waiting.ts';
import { bodiesIn, logIn } from './matrix-side.ts';
import { wholeBridge } from './whole-bridge.ts';
import { heard, withAdapter } from './with-slack.ts';

/** Ann's login, which is Eve's in Matrix, sees it before the bot does; then she brings the bot in, and `room` is linked to it. */
async function ours(t: TestContext) {
  const bridge = await wholeBridge(t);
  const { ann, bob, bot, slack, team, homeserver } = bridge;
  const eve = homeserver.user('eve', 'Eve');
  const channel = slack.addChannel(team, 'ours', [ann, bob], { id: 'C0OURS', isPrivate: true });
  await logIn({ ...bridge, person: eve });
  const room = homeserver.createRoom({ creator: eve, version: '11', levels: { users: { [eve]: 100, [homeserver.bot]: 100 } } });
  homeserver.invite(eve, room, homeserver.bot);
  await until('the bot', () => homeserver.members(room).includes(homeserver.bot) || undefined);
  const told = (words: RegExp) => until(String(words), () => bodiesIn(bridge, room).find((body) => words.test(body)));
  homeserver.say(eve, room, '!slack link C0OURS');
  await told(/method_not_supported|cannot|not/);
  ann.invite(channel, bot.user);
  homeserver.say(eve, room, '!slack link C0OURS');
  await told(/now linked/);
  bob.say(channel, 'while the bot is in');
  await told(/while the bot is in/);
  return { ...bridge, channel, linked: room, told };
}

type Ours = Awaited<ReturnType<typeof ours>>;

/** What is said in `#general` afterwards is there, and nothing of the private channel is. */
async function staysOut(bridge: Ours): Promise<void> {
  const { bob, channel, general, linked, told, room } = bridge;
  await told(/was removed from the channel in Slack/);
  bob.say(channel, 'among ourselves');
  bob.say(general, 'to all');
  await until('what is said to all', () => bodiesIn(bridge, room).includes('to all') || undefined);
  const { deliveries } = bridge.slack;
  await until(
    'Slack to have told of it',
    () =>
      deliveries.items.some(({ payload, outcome }) => outcome === 'taken' && JSON.stringify(payload).includes('among ourselves')) ||
      undefined,
  );
  assert.deepEqual(
    bodiesIn(bridge, linked).filter((body) => /among|meanwhile/.test(body)),
    [],
  );
  assert.equal(bodiesIn(bridge, linked).filter((body) => /was removed/.test(body)).length, 1);
}

test('put out before its eyes: told at once, and nothing said afterwards is heard by a member’s own login', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await ours(t);
  bridge.ann.kick(bridge.channel, bridge.bot.user);
  await staysOut(bridge);
});

test('put out while the bridge is away: told after the start, and nothing of it is read or heard by a member’s own login', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await ours(t);
  await bridge.restart(async () => {
    bridge.ann.kick(bridge.channel, bridge.bot.user);
    bridge.bob.say(bridge.channel, 'meanwhile');
  });
  await staysOut(bridge);
});

test('put out while the bridge is away, and nobody of it is logged in: told all the same', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, team, ann, bot, general, room }) => {
      slack.addChannel(team, 'ours', [ann, bot.user], { id: 'C0OURS', isPrivate: true });
      return { links: [general.id, 'C0OURS'].map((channel) => ({ team: 'T0001', channel, room })) };
    },
  });
  const { ann, bot, general, homeserver, room } = bridge;
  await until('both links', () => homeserver.requests.some(({ path }) => /state\/m\.bridge\/.*C0OURS/.test(path)));
  ann.say('C0OURS', 'while the bot is in');
  await until('it', () => bodiesIn(bridge, room).includes('while the bot is in') || undefined);
  await bridge.restart(async () => ann.kick('C0OURS', bot.user));
  await until('the notice', () => bodiesIn(bridge, room).some((body) => /was removed from the channel in Slack/.test(body)) || undefined);
  ann.say(general, 'to all');
  await until('what is said to all', () => bodiesIn(bridge, room).includes('to all') || undefined);
});

test('put out while Slack is not to be reached: the same', { timeout: 180_000 }, async (t) => {
  const bridge = await ours(t);
  const { slack, ann, bob, bot, channel, app } = bridge;
  await slack.down();
  await until('the loss', () => slack.socketMode.connections(app) === 0 || undefined);
  ann.kick(channel, bot.user);
  bob.say(channel, 'meanwhile');
  await slack.up();
  await staysOut(bridge);
});

test('what a private channel is called is not told elsewhere, whoever of ours is in it; that of a public one is', {
  timeout: 180_000,
}, async (t) => {
  const { adapter, slack, app, team, ann, bob, bot, general, events, channel } = await withAdapter(t);
  const secret = slack.addChannel(team, 'layoffs', [bob, bot.user], { id: 'C0LAYOFFS', isPrivate: true });
  slack.addChannel(team, 'merger', [ann], { id: 'C0MERGER', isPrivate: true });
  slack.addChannel(team, 'random', [ann], { id: 'C0RANDOM' });
  const turned = slack.addChannel(team, 'turned', [ann, bob, bot.user], { id: 'C0TURNED' });
  const token = slack.setup.authorize(app, ann.user).value;
  const alice = userId('@alice:hs.test');
  await adapter.signIn({ user: alice, account: remoteUserId('T0001/U0ANN'), network: 'T0001', name: 'Ann', credentials: { token } });
  // What she is shown is known from then on.
  const listed: string[] = [];
  for await (const { name } of adapter.channels.list(undefined, { by: alice })) listed.push(name);
  assert.ok(listed.includes('#merger'));
  const layoffs = channelId('T0001/C0LAYOFFS');
  await adapter.watch(layoffs);
  const readAs = async (words: string, by = bob, place = general) => {
    by.say(place, words);
    const { body, channel: where } = await heard(events, 'message', ({ body }) => body.text.startsWith(words.slice(0, 8)));
    return toPlain(adapter.formatter.parse(body, where));
  };
  assert.equal(await readAs('in words <#C0LAYOFFS> <#C0MERGER|> <#C0RANDOM>'), 'in words #C0LAYOFFS #C0MERGER #random');
  const blocks = [
    { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'channel', channel_id: 'C0LAYOFFS' }] }] },
  ];
  bob.say(general, 'in blocks', { blocks: blocks as never });
  const block = await heard(events, 'message', ({ body }) => body.text === 'in blocks');
  assert.equal(toPlain(adapter.formatter.parse(block.body, channel)), '#C0LAYOFFS');
  assert.equal(await readAs('at home: <#C0LAYOFFS> <#C0MERGER>', bob, secret), 'at home: #layoffs #C0MERGER');
  const { blocks: _, ...plain } = block.body;
  assert.equal(
    toPlain(adapter.formatter.parse({ ...plain, text: 'written out: <#C0LAYOFFS|layoffs>' }, channel)),
    'written out: #C0LAYOFFS',
  );
  assert.equal(await readAs('before <#C0TURNED>'), 'before #turned');
  slack.channels.convert(turned, true, ann.id);
  await slack.waitForDelivery('message/channel_convert_to_private');
  assert.equal(await readAs('turned: <#C0TURNED>'), 'turned: #C0TURNED');
});

test('what Slack shows under a link to a message of a private channel, for its people’s eyes, is shown in no other; what somebody passes on is', {
  timeout: 180_000,
}, async (t) => {
  const { adapter, slack, team, ann, bob, bot, general, events, channel } = await withAdapter(t);
  const secret = slack.addChannel(team, 'layoffs', [bob, bot.user], { id: 'C0LAYOFFS', isPrivate: true });
  slack.addChannel(team, 'random', [ann, bot.user], { id: 'C0RANDOM' });
  await adapter.watch(channelId('T0001/C0RANDOM'));
  await adapter.watch(channelId('T0001/C0LAYOFFS'));
  const shown = async (words: string, attachment: object, place = general) => {
    bob.say(place, words, {
      attachments: [{ is_msg_unfurl: true, text: 'Ann has to go', footer: 'in a channel', ...attachment }] as never,
    });
    const { body, channel: where } = await heard(events, 'message', ({ body }) => body.text === words);
    return toPlain(adapter.formatter.parse(body, where));
  };
  assert.equal(await shown('see there', { channel_id: 'C0LAYOFFS' }), 'see there');
  assert.match(await shown('see here', { channel_id: 'C0LAYOFFS' }, secret), /Ann has to go/);
  assert.match(await shown('see all', { channel_id: 'C0RANDOM' }), /Ann has to go/);
  assert.match(await shown('see home', { channel_id: channel.slice('T0001/'.length) }), /Ann has to go/);
  assert.match(await shown('passed on', { channel_id: 'C0LAYOFFS', is_share: true }), /Ann has to go/);
});

test('who goes while it is being read who is in a channel is out of it, whatever is read', { timeout: 180_000 }, async (t) => {
  const settings = { team_sync: { allow_private: true } };
  const { adapter, slack, app, team, ann, bob, bot } = await withAdapter(t, { settings });
  const secret = slack.addChannel(team, 'secret', [ann, bob, bot.user], { isPrivate: true });
  const id = channelId(`T0001/${secret.id}`);
  const [user, token] = [userId('@alice:hs.test'), slack.setup.authorize(app, ann.user).value];
  await adapter.signIn({ user, account: remoteUserId(`T0001/${ann.id}`), network: 'T0001', name: 'Ann', credentials: { token } });
  await adapter.watch(id);
  await until('her place', () => adapter.channels.isIn(id, user) === true);
  slack.fault({ on: 'conversations.members', act: { wait: 500, when: 'after' }, times: 1 });
  const look = adapter.mirror.channel(id);
  await until('the question', () => slack.callsOf('conversations.members').length > 0);
  bob.kick(secret, ann);
  await until('her end', () => adapter.channels.isIn(id, user) === false);
  await look;
  assert.equal(adapter.channels.isIn(id, user), false);
});

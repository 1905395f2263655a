// The Web API of the fake, asked by Slack's own client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import { methods } from '../support/fake-slack/documented.ts';
import { acme, refusal } from './acme.ts';

test("a token says who it is, and those that are none, ended or of the wrong kind are refused in Slack's words", async (t) => {
  const { slack, app, ann, bot, client, web, team } = await acme(t);
  const told = await web.auth.test();
  assert.deepEqual([told.team_id, told.user_id, told.bot_id, told.team], [team.id, bot.user.id, bot.botId, 'Acme']);
  assert.equal(await refusal(client('').auth.test()), 'not_authed');
  assert.equal(await refusal(client('xoxb-unknown').auth.test()), 'invalid_auth');
  assert.equal(await refusal(client(slack.setup.appToken(app).value).auth.test()), 'not_allowed_token_type');
  const puppet = slack.setup.authorize(app, ann.user);
  slack.revoke(puppet);
  assert.equal(await refusal(client(puppet.value).auth.test()), 'token_revoked');
  const other = slack.setup.authorize(app, ann.user, { token: 'xoxp-2' });
  ann.deactivate();
  assert.equal(await refusal(client(other.value).auth.test()), 'account_inactive');
  assert.equal(await refusal(web.apiCall('chat.shout')), 'unknown_method');
});

test('a missing scope is named, with what there is', async (t) => {
  const { slack, app, team, general, client } = await acme(t);
  const poor = slack.setup.install(app, team, { token: 'xoxb-poor', scopes: ['channels:read', 'chat:write'], channels: [general] });
  const web = client(poor.token.value);
  const error = await web.conversations.history({ channel: general.id }).catch((fault: WebAPIPlatformError) => fault);
  assert.deepEqual((error as WebAPIPlatformError).data, {
    ok: false,
    error: 'missing_scope',
    needed: 'channels:history',
    provided: 'channels:read,chat:write',
    response_metadata: {
      scopes: ['channels:read', 'chat:write'],
      acceptedScopes: [...(methods.get('conversations.history')?.scopes.bot ?? [])],
    },
  });
  assert.equal(await refusal(web.chat.postMessage({ channel: general.id, text: 'x', username: 'Somebody' })), 'missing_scope');
  assert.equal(await refusal(web.conversations.list({ types: 'public_channel,private_channel' })), 'missing_scope');
});

test('lists come in pages behind a cursor until it is empty', async (t) => {
  const { slack, team, web } = await acme(t);
  const many = Array.from({ length: 25 }, (_, number) => slack.addPerson(team, `person${number}`));
  const big = slack.addChannel(team, 'big', many);
  const members: string[] = [];
  let pages = 0;
  for await (const page of web.paginate('conversations.members', { channel: big.id, limit: 10 })) {
    members.push(...(page as unknown as { members: string[] }).members);
    pages += 1;
  }
  assert.deepEqual([pages, members], [3, many.map(({ id }) => id)]);
  const { members: users = [], response_metadata } = await web.users.list({ limit: 20 });
  assert.equal(users.length, 20);
  assert.ok(response_metadata?.next_cursor);
  assert.equal(await refusal(web.users.list({ limit: 20, cursor: 'nonsense' })), 'invalid_cursor');
});

test('history is newest first between bounds, and leaves replies to their thread', async (t) => {
  const { ann, bob, general, web, slack } = await acme(t);
  const ids = ['one', 'two', 'three', 'four'].map((text) => ann.say(general, text));
  const [first = '', second = ''] = ids;
  bob.reply(general, first, 'a reply');
  bob.reply(general, first, 'for all', true);
  const texts = async (options: object) => {
    const { messages = [], has_more } = await web.conversations.history({ channel: general.id, ...options });
    return [...messages.map(({ text }) => text), has_more];
  };
  assert.deepEqual(await texts({}), ['for all', 'four', 'three', 'two', 'one', false]);
  assert.deepEqual(await texts({ oldest: second, limit: 2 }), ['for all', 'four', true]);
  assert.deepEqual(await texts({ oldest: second, latest: ids[3], inclusive: true }), ['four', 'three', 'two', false]);
  const page = await web.conversations.history({ channel: general.id, limit: 3 });
  assert.deepEqual(await texts({ limit: 3, cursor: page.response_metadata?.next_cursor }), ['two', 'one', false]);
  const { messages: thread = [] } = await web.conversations.replies({ channel: general.id, ts: first });
  assert.deepEqual(
    thread.map(({ text, thread_ts, reply_count, parent_user_id }) => [text, thread_ts, reply_count, parent_user_id]),
    [
      ['one', first, 2, undefined],
      ['a reply', first, undefined, ann.id],
      ['for all', first, undefined, ann.id],
    ],
  );
  const { messages: [broadcast] = [] } = await web.conversations.history({ channel: general.id, limit: 1 });
  assert.deepEqual([broadcast?.subtype, broadcast?.root?.ts], ['thread_broadcast', first]);
  assert.equal(await refusal(web.conversations.replies({ channel: general.id, ts: '1.000000' })), 'thread_not_found');
  assert.deepEqual(slack.undocumented, []);
});

test("a bot posts, dresses up, edits and deletes its own and nobody else's", async (t) => {
  const { ann, general, bot, web, slack } = await acme(t);
  const metadata = { event_type: 'bridged', event_payload: { key: 'k1' } };
  const plain = await web.chat.postMessage({ channel: general.id, text: 'a <b> & c', metadata });
  assert.deepEqual(
    [plain.message?.user, plain.message?.bot_id, plain.message?.app_id, plain.message?.subtype, plain.message?.text],
    [bot.user.id, bot.botId, 'A0BRIDGE', undefined, 'a &lt;b&gt; &amp; c'],
  );
  const dressed = await web.chat.postMessage({
    channel: '#general',
    text: 'hello',
    username: 'Mia',
    icon_url: 'http://pictures.test/m.png',
  });
  assert.deepEqual([dressed.message?.subtype, dressed.message?.username, dressed.message?.user], ['bot_message', 'Mia', undefined]);
  await web.chat.update({ channel: general.id, ts: dressed.ts ?? '', text: 'hello, edited' });
  const { messages = [] } = await web.conversations.history({ channel: general.id, include_all_metadata: true });
  assert.deepEqual(
    [messages[0]?.text, messages[0]?.username, messages[0]?.edited?.user, messages[1]?.metadata],
    ['hello, edited', 'Mia', bot.botId, metadata],
  );
  const foreign = ann.say(general, 'mine');
  assert.equal(await refusal(web.chat.update({ channel: general.id, ts: foreign, text: 'x' })), 'cant_update_message');
  assert.equal(await refusal(web.chat.delete({ channel: general.id, ts: foreign })), 'cant_delete_message');
  await web.chat.delete({ channel: general.id, ts: plain.ts ?? '' });
  assert.equal(await refusal(web.chat.delete({ channel: general.id, ts: plain.ts ?? '' })), 'message_not_found');
  assert.deepEqual(ann.texts(general), ['hello, edited', 'mine']);
  assert.deepEqual(slack.undocumented, []);
});

test('what is too long is cut when posted and refused when edited', async (t) => {
  const { ann, general, web, slack } = await acme(t);
  const { ts = '' } = await web.chat.postMessage({ channel: general.id, text: 'x'.repeat(41_000) });
  assert.equal(ann.texts(general)[0]?.length, 40_000);
  assert.equal(await refusal(web.chat.update({ channel: general.id, ts, text: 'ä'.repeat(2001) })), 'msg_too_long');
  const section = { type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } } as const;
  assert.equal(await refusal(web.chat.postMessage({ channel: general.id, text: 'x', blocks: [section] })), 'invalid_blocks');
  assert.equal(
    await refusal(web.chat.postMessage({ channel: general.id, text: 'x', blocks: Array(51).fill({ type: 'divider' }) })),
    'invalid_blocks',
  );
  assert.equal(await refusal(web.apiCall('chat.postMessage', { channel: general.id })), 'no_text');
  assert.deepEqual(slack.undocumented, []);
});

test('closed doors have their own words', async (t) => {
  const { ann, bob, slack, team, web } = await acme(t);
  const open = slack.addChannel(team, 'open', [ann]);
  const secret = slack.addChannel(team, 'secret', [ann], { isPrivate: true });
  const post = (channel: string) => refusal(web.chat.postMessage({ channel, text: 'x' }));
  assert.deepEqual(
    [await post(open.id), await post(secret.id), await post('C0NOWHERE')],
    ['not_in_channel', 'channel_not_found', 'channel_not_found'],
  );
  assert.equal(await refusal(web.conversations.history({ channel: open.id })), 'not_in_channel');
  await web.conversations.join({ channel: open.id });
  const again = await web.conversations.join({ channel: open.id });
  assert.equal(again.warning, 'already_in_channel');
  open.isReadOnly = true;
  assert.equal(await post(open.id), 'restricted_action_read_only_channel');
  ann.archive(open);
  assert.deepEqual([await post(open.id), await refusal(web.conversations.join({ channel: open.id }))], ['is_archived', 'is_archived']);
  assert.equal(await refusal(web.conversations.join({ channel: secret.id })), 'channel_not_found');
  team.editWindow = 0;
  const { ts = '' } = await web.chat.postMessage({ channel: 'C0GENERAL', text: 'x' });
  assert.equal(await refusal(web.chat.update({ channel: 'C0GENERAL', ts, text: 'y' })), 'edit_window_closed');
  assert.equal(await refusal(web.chat.postEphemeral({ channel: 'C0GENERAL', user: 'U0NOBODY', text: 'x' })), 'user_not_in_channel');
  await web.chat.postEphemeral({ channel: 'C0GENERAL', user: bob.id, text: 'for you' });
  assert.deepEqual([bob.ephemerals.map(({ text }) => text), ann.ephemerals], [['for you'], []]);
  assert.deepEqual(slack.undocumented, []);
});

test('reactions count once for each person, pins hold messages, and both refuse what they know not', async (t) => {
  const { slack, ann, general, bot, web } = await acme(t);
  const timestamp = ann.say(general, 'react to this');
  const at = { channel: general.id, timestamp };
  await web.reactions.add({ ...at, name: 'tada' });
  ann.react(general, timestamp, 'tada');
  assert.equal(await refusal(web.reactions.add({ ...at, name: 'tada' })), 'already_reacted');
  slack.world.unknownEmoji.add('no_such_thing');
  assert.equal(await refusal(web.reactions.add({ ...at, name: 'no_such_thing' })), 'invalid_name');
  const { message } = await web.reactions.get(at);
  assert.deepEqual(message?.reactions, [{ name: 'tada', users: [bot.user.id, ann.id], count: 2 }]);
  await web.reactions.remove({ ...at, name: 'tada' });
  assert.equal(await refusal(web.reactions.remove({ ...at, name: 'tada' })), 'no_reaction');
  await web.pins.add(at);
  assert.equal(await refusal(web.pins.add(at)), 'already_pinned');
  const { items = [] } = await web.pins.list({ channel: general.id });
  assert.equal(items[0]?.message?.ts, timestamp);
  await web.pins.remove(at);
  assert.equal(await refusal(web.pins.remove(at)), 'no_pin');
  assert.equal(await refusal(web.reactions.add({ ...at, timestamp: 'soon', name: 'tada' })), 'bad_timestamp');
  assert.deepEqual(slack.undocumented, []);
});

test('channels are found, opened, described, renamed, filled and left', async (t) => {
  const { slack, ann, bob, bot, web, team } = await acme(t);
  const { channel: made } = await web.conversations.create({ name: 'plans' });
  const channel = made?.id ?? '';
  await web.conversations.invite({ channel, users: `${ann.id},${bob.id}` });
  assert.equal(await refusal(web.conversations.invite({ channel, users: ann.id })), 'already_in_channel');
  await web.conversations.setTopic({ channel, topic: 'what we plan' });
  await web.conversations.setPurpose({ channel, purpose: 'planning' });
  await web.conversations.rename({ channel, name: 'big-plans' });
  assert.equal(await refusal(web.conversations.rename({ channel, name: 'general' })), 'name_taken');
  assert.equal(await refusal(web.conversations.rename({ channel, name: 'Big Plans' })), 'invalid_name_specials');
  await web.conversations.kick({ channel, user: bob.id });
  const { channel: shown } = await web.conversations.info({ channel, include_num_members: true });
  assert.deepEqual(
    [shown?.name, shown?.topic?.value, shown?.purpose?.value, shown?.num_members, shown?.previous_names, shown?.is_member],
    ['big-plans', 'what we plan', 'planning', 2, ['plans'], true],
  );
  const direct = await web.conversations.open({ users: ann.id });
  assert.deepEqual((await web.conversations.open({ users: ann.id, return_im: true })).channel?.id, direct.channel?.id);
  const group = await web.conversations.open({ users: `${ann.id},${bob.id}` });
  const { channels = [] } = await web.users.conversations({ types: 'public_channel,im,mpim' });
  assert.deepEqual(
    channels.map(({ id, is_im, is_mpim, user }) => [id, is_im, is_mpim, user]),
    [
      ['C0GENERAL', false, false, undefined],
      [channel, false, false, undefined],
      [direct.channel?.id, true, undefined, ann.id],
      [group.channel?.id, false, true, undefined],
    ],
  );
  await web.conversations.leave({ channel });
  await web.chat.postMessage({ channel: ann.id, text: 'a direct word' });
  assert.deepEqual(ann.texts(bot.user), ['a direct word']);
  assert.equal(await refusal(web.conversations.open({ users: 'U0NOBODY' })), 'user_not_found');
  assert.equal(team.id, 'T0001');
  assert.deepEqual(slack.undocumented, []);
});

test('people, bots, emoji and groups are told as they stand', async (t) => {
  const { slack, ann, bob, bot, team, web } = await acme(t);
  slack.people.addEmoji(team, 'party', `${slack.url}/emoji/party.png`);
  slack.people.addEmoji(team, 'fete', 'alias:party');
  const group = slack.people.makeUsergroup(team, ann.id, 'makers', 'Makers', [ann.id, bob.id]);
  ann.change({ displayName: 'annie', status: { text: 'away', emoji: ':palm_tree:' } });
  const { user } = await web.users.info({ user: ann.id });
  assert.deepEqual(
    [user?.profile?.display_name, user?.profile?.status_text, user?.is_admin, user?.team_id],
    ['annie', 'away', true, team.id],
  );
  const picture = await fetch(user?.profile?.image_72 ?? '');
  assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/png']);
  const { bot: shown } = await web.bots.info({ bot: bot.botId });
  assert.deepEqual([shown?.user_id, shown?.app_id, shown?.name], [bot.user.id, 'A0BRIDGE', 'Bridge']);
  assert.deepEqual((await web.emoji.list()).emoji, { party: `${slack.url}/emoji/party.png`, fete: 'alias:party' });
  const { usergroups = [] } = await web.usergroups.list({ include_users: true });
  assert.deepEqual([usergroups[0]?.id, usergroups[0]?.handle, usergroups[0]?.users], [group.id, 'makers', [ann.id, bob.id]]);
  assert.equal((await web.team.info()).team?.domain, 'acme');
  assert.equal(await refusal(web.users.info({ user: 'U0NOBODY' })), 'user_not_found');
  assert.equal(await refusal(web.bots.info({ bot: 'B0NOBODY' })), 'bot_not_found');
  assert.deepEqual(slack.undocumented, []);
});

test('over the limit a call is refused with the seconds to wait; switched off, it is only counted', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { slack, general, web } = await acme(t, { limits: true });
  const post = () => web.chat.postMessage({ channel: general.id, text: 'x' });
  for (let number = 0; number < 5; number += 1) await post();
  const error = (await post().catch((fault: unknown) => fault)) as WebAPIRateLimitedError;
  assert.deepEqual([error.code, error.retryAfter], ['slack_webapi_rate_limited_error', 1]);
  slack.world.clock.forward(1000);
  await post();
  for (let number = 0; number < 20; number += 1) await web.emoji.list();
  assert.equal(await web.emoji.list().catch((fault: WebAPIRateLimitedError) => fault.retryAfter), 3);
  slack.limits.isOn = false;
  await web.emoji.list();
  assert.deepEqual(
    slack.limits.exceeded.map(({ method }) => method),
    ['chat.postMessage', 'emoji.list', 'emoji.list'],
  );
});

test('a commercial app gets history in fifteens', async (t) => {
  const { ann, general, web } = await acme(t, { app: { isCommercial: true } });
  for (let number = 0; number < 20; number += 1) ann.say(general, `${number}`);
  const { messages = [], has_more } = await web.conversations.history({ channel: general.id, limit: 100 });
  assert.deepEqual([messages.length, has_more], [15, true]);
});

test('every method that is documented here is there, and no other', async (t) => {
  const { web } = await acme(t);
  for (const method of methods.keys()) {
    const words = await refusal(web.apiCall(method));
    assert.notEqual(words, 'unknown_method', method);
    assert.notEqual(words, 'fake_slack_fault', method);
  }
});

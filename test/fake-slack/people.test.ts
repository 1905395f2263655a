// Acting as a person in the fake, and what an app is told of it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { squarePng } from '../support/fake-slack.ts';
import { acme } from './acme.ts';

type Event = Readonly<Record<string, unknown>> & { readonly type: string; readonly subtype?: string };

/** Nobody takes the events; what would have been told is in `deliveries`. */
async function watched(t: TestContext, quirks = {}) {
  const world = await acme(t, { app: { socketMode: true }, retryPauses: [], quirks });
  const told = () => world.slack.deliveries.items.map(({ payload }) => payload.event as Event);
  const names = () => world.slack.deliveries.items.map(({ what }) => what);
  const last = () => told().at(-1) as Event;
  return { ...world, told, names, last };
}

test('an edit names the message by its own ts and says who edited; a deletion names what is gone', async (t) => {
  const { ann, general, last } = await watched(t);
  const ts = ann.say(general, 'frist');
  ann.edit(general, ts, 'first');
  const changed = last() as Event & { message: { ts: string; text: string; edited: { user: string } }; previous_message: { text: string } };
  assert.deepEqual(
    [changed.subtype, changed.hidden, changed.message.ts, changed.message.text, changed.message.edited.user, changed.previous_message.text],
    ['message_changed', true, ts, 'first', ann.id, 'frist'],
  );
  assert.notEqual(changed.ts, ts);
  ann.delete(general, ts);
  const deleted = last() as Event & { previous_message: { text: string } };
  assert.deepEqual([deleted.subtype, deleted.deleted_ts, deleted.previous_message.text], ['message_deleted', ts, 'first']);
});

test('a thread keeps the tombstone of its first message until its last reply is gone', async (t) => {
  const { ann, bob, general, told, last, web } = await watched(t);
  const root = ann.say(general, 'root');
  const reply = bob.reply(general, root, 'reply');
  ann.delete(general, root);
  const change = last() as Event & { message: { subtype: string; user: string; text: string; thread_ts: string; edited?: object } };
  assert.deepEqual(
    [change.subtype, change.message.subtype, change.message.user, change.message.text, change.message.thread_ts, change.message.edited],
    ['message_changed', 'tombstone', 'USLACKBOT', 'This message was deleted.', root, undefined],
  );
  const { messages = [] } = await web.conversations.replies({ channel: general.id, ts: root });
  assert.deepEqual(
    messages.map(({ text }) => text),
    ['This message was deleted.', 'reply'],
  );
  bob.delete(general, reply);
  assert.deepEqual(
    told()
      .slice(-2)
      .map(({ deleted_ts }) => deleted_ts),
    [reply, root],
  );
  assert.deepEqual(ann.sees(general), []);
});

test('the doubling message_replied comes to Events only where that is asked for', async (t) => {
  for (const [messageReplied, expected] of [
    ['rtm', ['message', 'message', 'message/thread_broadcast']],
    ['everywhere', ['message', 'message', 'message/message_replied', 'message/thread_broadcast', 'message/message_replied']],
  ] as const) {
    const { ann, bob, general, names } = await watched(t, { messageReplied });
    const root = ann.say(general, 'root');
    bob.reply(general, root, 'reply');
    bob.reply(general, root, 'for all', true);
    assert.deepEqual(names(), expected);
  }
});

test('a link is shown a little later, as a change without an edit', async (t) => {
  const { slack, ann, general, web } = await watched(t);
  slack.addPreview('http://news.test/1', { title: 'News', text: 'what happened' });
  ann.say(general, 'see http://news.test/1');
  const { payload } = await slack.waitForDelivery('message/message_changed');
  const { message } = payload.event as { message: { text: string; edited?: object; attachments: { title: string; from_url: string }[] } };
  assert.deepEqual(
    [message.text, message.edited, message.attachments[0]?.title, message.attachments[0]?.from_url],
    ['see <http://news.test/1>', undefined, 'News', 'http://news.test/1'],
  );
  const { ts } = await web.chat.postMessage({ channel: general.id, text: 'http://news.test/1', unfurl_links: false });
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(ann.sees(general).find((each) => each.ts === ts)?.attachments, undefined);
});

test('typed text becomes a rich text block, with mentions, links, emoji and styles', async (t) => {
  const { ann, general, bob, last } = await watched(t);
  ann.say(general, `hi <@${bob.id}> *bold* _it_ \`code\` :tada: <http://x.test|a link> <!here>\n&gt; said\n\`\`\`let a = 1\`\`\``);
  const [block] = last().blocks as [{ type: string; elements: { type: string; elements: object[] }[] }];
  assert.deepEqual(
    block.elements.map(({ type }) => type),
    ['rich_text_section', 'rich_text_quote', 'rich_text_preformatted'],
  );
  assert.deepEqual(block.elements[0]?.elements, [
    { type: 'text', text: 'hi ' },
    { type: 'user', user_id: bob.id },
    { type: 'text', text: ' ' },
    { type: 'text', text: 'bold', style: { bold: true } },
    { type: 'text', text: ' ' },
    { type: 'text', text: 'it', style: { italic: true } },
    { type: 'text', text: ' ' },
    { type: 'text', text: 'code', style: { code: true } },
    { type: 'text', text: ' ' },
    { type: 'emoji', name: 'tada' },
    { type: 'text', text: ' ' },
    { type: 'link', url: 'http://x.test', text: 'a link' },
    { type: 'text', text: ' ' },
    { type: 'broadcast', range: 'here' },
  ]);
});

test('what changes of a channel is told twice: as an event and as a message in it', async (t) => {
  const { slack, ann, bob, team, bot, general, names } = await watched(t);
  const carl = slack.addPerson(team, 'carl');
  carl.join(general);
  bob.kick(general, carl);
  ann.setTopic(general, 'weather');
  ann.setPurpose(general, 'talk');
  ann.rename(general, 'lounge');
  ann.archive(general);
  ann.unarchive(general);
  assert.deepEqual(names(), [
    'member_joined_channel',
    'message/channel_join',
    'message/channel_leave',
    'member_left_channel',
    'message/channel_topic',
    'message/channel_purpose',
    'channel_rename',
    'message/channel_name',
    'message/channel_archive',
    'channel_archive',
    'channel_unarchive',
    'message/channel_unarchive',
  ]);
  const secret = ann.createChannel('secret', { isPrivate: true });
  ann.invite(secret, bot.user);
  ann.rename(secret, 'more-secret');
  ann.deleteChannel(secret);
  assert.deepEqual(names().slice(12), [
    'member_joined_channel',
    'message/group_join',
    'group_rename',
    'message/channel_name',
    'group_deleted',
  ]);
});

test('people, pictures, emoji, groups and the workspace change in the sight of all', async (t) => {
  const { slack, ann, bob, team, names, told } = await watched(t);
  const before = ann.user.avatar?.hash;
  ann.setAvatar(squarePng('ann'));
  ann.change({ displayName: 'annie' });
  const change = told().find(({ type }) => type === 'user_change') as Event & {
    user: { profile: { avatar_hash: string; image_original: string } };
  };
  assert.notEqual(change.user.profile.avatar_hash, before);
  const picture = await fetch(change.user.profile.image_original);
  assert.deepEqual(Buffer.from(await picture.arrayBuffer()), squarePng('ann'));
  slack.people.addEmoji(team, 'party', `${slack.url}/emoji/party.png`);
  slack.people.renameEmoji(team, 'party', 'fete');
  slack.people.removeEmoji(team, 'fete');
  const group = slack.people.makeUsergroup(team, ann.id, 'makers', 'Makers', [ann.id]);
  slack.people.setUsergroup(team, group, [bob.id]);
  slack.people.renameTeam(team, 'Acme & Sons');
  slack.people.arrive(slack.addPerson(team, 'dora').user);
  const changes = ['user_change', 'user_profile_changed', 'user_change', 'user_profile_changed'];
  const emoji = ['emoji_changed/add', 'emoji_changed/rename', 'emoji_changed/remove'];
  assert.deepEqual(names(), [
    ...changes,
    ...emoji,
    'subteam_created',
    'subteam_updated',
    'subteam_members_changed',
    'team_rename',
    'team_join',
  ]);
});

test('a direct message reaches the bot that it is for, a mention comes beside its message', async (t) => {
  const { ann, bob, bot, general, told, last } = await watched(t);
  ann.say(bot.user, 'just us');
  assert.deepEqual([last().channel_type, last().text], ['im', 'just us']);
  const group = ann.open(bob, bot.user);
  bob.say(group, 'the three of us');
  assert.deepEqual([last().channel_type, group.name], ['mpim', 'mpdm-ann--bob--bridge-1']);
  ann.say(general, `<@${bot.user.id}> help`);
  assert.deepEqual(
    told()
      .slice(-2)
      .map(({ type, text }) => [type, text]),
    [
      ['message', `<@${bot.user.id}> help`],
      ['app_mention', `<@${bot.user.id}> help`],
    ],
  );
});

test('what Slack refuses a person it refuses here', async (t) => {
  const { slack, ann, bob, team, general } = await watched(t);
  const secret = slack.addChannel(team, 'secret', [ann], { isPrivate: true });
  const ts = ann.say(general, 'mine');
  assert.throws(() => bob.say(secret, 'x'), { code: 'not_in_channel' });
  assert.throws(() => bob.join(secret), { code: 'method_not_supported_for_channel_type' });
  assert.throws(() => bob.edit(general, ts, 'x'), { code: 'cant_update_message' });
  assert.throws(() => bob.delete(general, ts), { code: 'cant_update_message' });
  ann.archive(general);
  assert.throws(() => ann.say(general, 'x'), { code: 'is_archived' });
});

test("a shared channel is heard by each workspace's app, whose files the other must ask about", async (t) => {
  const { slack, ann, bot, general, team, told, app, web } = await watched(t);
  const partner = slack.setup.team({ id: 'T0002', name: 'Partner' });
  const petra = slack.addPerson(partner, { id: 'U0PETRA', name: 'petra' });
  slack.channels.share(general, partner);
  general.members.add(petra.id);
  const theirs = slack.setup.install(app, partner, { channels: [general] });
  petra.say(general, 'hello from outside');
  const heard = slack.deliveries.items.filter(({ what }) => what === 'message');
  assert.deepEqual(
    heard.map(({ payload }) => [payload.team_id, payload.is_ext_shared_channel, (payload.event as Event).team]),
    [[team.id, true, partner.id]],
  );
  petra.upload(general, { name: 'plan.txt', bytes: Buffer.from('plan'), comment: 'plan' });
  const { files } = told().findLast(({ subtype }) => subtype === 'file_share') as Event;
  const [file] = files as [{ id: string; file_access: string; url_private?: string }];
  assert.deepEqual([file.file_access, file.url_private], ['check_file_info', undefined]);
  assert.match((await web.files.info({ file: file.id })).file?.url_private ?? '', /files-pri/);
  const { user } = await web.users.info({ user: petra.id });
  assert.deepEqual([user?.team_id, user?.is_stranger], [partner.id, true]);
  assert.equal((await web.team.info({ team: partner.id })).team?.name, 'Partner');
  const { channel } = await web.conversations.info({ channel: general.id });
  assert.deepEqual([channel?.is_ext_shared, channel?.shared_team_ids], [true, [team.id, partner.id]]);
  assert.notEqual(theirs.user.id, bot.user.id);
  const was = general.id;
  slack.channels.changeId(general);
  const moved = told().find(({ type }) => type === 'channel_id_changed');
  assert.deepEqual([moved?.old_channel_id, moved?.new_channel_id], [was, general.id]);
  assert.equal(ann.say(general, 'same place').length, 17);
});

test("an organisation's token serves its workspaces and must say which", async (t) => {
  const { slack, client } = await acme(t);
  const enterprise = slack.setup.enterprise({ id: 'E0001', name: 'Umbrella' });
  const [north, south] = [slack.setup.team({ name: 'North', enterprise }), slack.setup.team({ name: 'South', enterprise })];
  const nora = slack.addPerson(north, 'nora');
  slack.addChannel(south, 'southern', []);
  const app = slack.setup.app({ name: 'Org' });
  const web = client(slack.setup.install(app, north, { isOrgWide: true }).token.value);
  const told = await web.auth.test();
  assert.deepEqual([told.is_enterprise_install, told.enterprise_id, told.team_id], [true, 'E0001', 'E0001']);
  await assert.rejects(web.conversations.list(), /missing_argument/);
  await assert.rejects(web.conversations.list({ team_id: 'T0001' }), /team_access_not_granted/);
  const { channels = [] } = await web.conversations.list({ team_id: south.id });
  assert.deepEqual(
    channels.map(({ name }) => name),
    ['southern'],
  );
  const { teams = [] } = await web.auth.teams.list();
  assert.deepEqual(
    teams.map(({ name }) => name),
    ['North', 'South'],
  );
  const { user } = await web.users.info({ user: nora.id });
  assert.deepEqual([user?.id?.[0], user?.enterprise_user?.enterprise_id, user?.enterprise_user?.teams], ['W', 'E0001', [north.id]]);
});

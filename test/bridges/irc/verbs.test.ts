// What a session can do beside speaking, and that it can do it only where the server can.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChannelId, PermanentError, type RemoteMessage, remoteMessageId, remoteUserId, type Session } from '#bridge-core';
import { isTagAllowed } from '../../../bridges/irc/verbs.ts';
import { capabilities, type FakeIrcd, type FakeIrcdOptions, startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { speaker, type WithAdapter, withAdapter } from './with-adapter.ts';

interface Stage {
  readonly ircd: FakeIrcd;
  readonly world: WithAdapter;
  readonly id: ChannelId;
  readonly ann: Session;
}

async function start(t: { after(end: () => Promise<void>): void }, server: FakeIrcdOptions = {}): Promise<Stage> {
  const ircd = await startFakeIrcd(server);
  const world = withAdapter(t, { port: ircd.port, timing: { typing: 60_000 } });
  t.after(() => ircd.close());
  await world.adapter.connect();
  const id = await world.watch('#verbs');
  const ann = await world.adapter.session(speaker('ann'), id);
  await ann.join(id);
  return { ircd, world, id, ann };
}

const pointTo = (id: ChannelId, msgid: string | undefined): RemoteMessage => ({ channel: id, ids: [remoteMessageId(msgid ?? '')] });

test('a reply bears the id of what it answers, in both spellings', async (t) => {
  const { ircd, world, id } = await start(t);
  const zoe = ircd.person('zoe').join('#verbs');
  const asked = zoe.say('#verbs', 'who is there?');
  const event = await world.event('message');
  assert.equal(event.id, asked);
  await world.say('ann', id, 'me', 'text', { replyTo: pointTo(id, asked) });
  const heard = await zoe.waitForText('#verbs', 'me');
  assert.equal(heard.tags['+draft/reply'], asked);
  assert.equal(heard.tags['+reply'], asked);
});

test('reactions are given, taken back and proved', async (t) => {
  const { ircd, id, ann } = await start(t);
  const zoe = ircd.person('zoe').join('#verbs');
  const msgid = zoe.say('#verbs', 'good news');
  const reacted = await ann.react?.(id, pointTo(id, msgid), '🎉', true, 'key');
  const heard = await zoe.waitFor(({ tags }) => tags['+draft/react'] === '🎉');
  assert.equal(heard.msgid, reacted);
  assert.equal(heard.tags['+draft/reply'], msgid);
  await ann.react?.(id, pointTo(id, msgid), '🎉', false, 'key2');
  await zoe.waitFor(({ tags }) => tags['+draft/unreact'] === '🎉');
});

test('typing is told at most once in a while, and its end at once', async (t) => {
  const { ircd, id, ann, world } = await start(t);
  const zoe = ircd.person('zoe').join('#verbs');
  for (let i = 0; i < 5; i++) await ann.type?.(id, true);
  await ann.type?.(id, false);
  await world.say('ann', id, 'done typing');
  await zoe.waitForText('#verbs', 'done typing');
  assert.deepEqual(
    zoe.heard.flatMap(({ tags }) => tags['+typing'] ?? []),
    ['active', 'done'],
  );
});

test('every part of a message is redacted, or the refusal told', async (t) => {
  const { ircd, world, id, ann } = await start(t);
  const zoe = ircd.person('zoe').join('#verbs');
  const ids = [await world.say('ann', id, 'one'), await world.say('ann', id, 'two')].map((msgid) => remoteMessageId(msgid ?? ''));
  await ann.redact?.(id, { channel: id, ids }, 'oops');
  assert.deepEqual(
    ircd.said('#verbs').map((said) => said.isRedacted),
    [true, true],
  );
  const theirs = zoe.say('#verbs', 'mine');
  await assert.rejects(async () => ann.redact?.(id, pointTo(id, theirs)), /not authorised/);
});

test('several lines go as one message where the server takes them', async (t) => {
  const { ircd, world, id, ann } = await start(t);
  const fit = ann.fit(id, 'text');
  assert.deepEqual(fit.multiline, { bytes: 4096, lines: 24 });
  const long = 'é'.repeat(400);
  const msgid = await world.say('ann', id, `first\n\n${long}\nlast`);
  const [said] = ircd.said('#verbs');
  assert.equal(said?.text, `first\n\n${long}\nlast`);
  assert.equal(said?.msgid, msgid);
  await assert.rejects(world.say('ann', id, 'x\n'.repeat(40)), PermanentError);
  await world.say('ann', id, 'one more');
});

test('several lines of somebody else come as one message', async (t) => {
  const { ircd, world } = await start(t);
  const zoe = ircd.person('zoe').join('#verbs');
  const msgid = zoe.paste('#verbs', ['first', '', 'last']);
  const event = await world.event('message');
  assert.deepEqual([event.body, event.id], ['first\n\nlast', msgid]);
});

test('a topic is set and a person kicked by who may, and refused to who may not', async (t) => {
  const { ircd, world, id, ann } = await start(t);
  ircd.mode('#verbs', '+t');
  const zoe = ircd.person('zoe').join('#verbs');
  await until('zoe', () => world.adapter.channels.named(id, 'zoe'));
  await assert.rejects(async () => ann.setTopic?.(id, 'new'), /#verbs: .*operator/);
  await assert.rejects(async () => ann.kick?.(id, remoteUserId('local/zoe'), 'out'), /operator/);
  ircd.mode('#verbs', '+o', 'ann[m]');
  await ann.setTopic?.(id, 'new topic\nof two lines');
  assert.equal(ircd.world.channel('#verbs')?.topic?.text, 'new topic of two lines');
  await ann.kick?.(id, remoteUserId('local/zoe'), 'out');
  assert.ok(zoe.heard.some(({ command, params }) => command === 'KICK' && params[2] === 'out'));
  assert.ok(!world.events.some((event) => event.kind === 'membership' && event.change === 'kick'), 'what we did ourselves is no news');
});

test('verbs that the server lacks are missing, and come when it offers them', async (t) => {
  const { ircd, world, id, ann } = await start(t, { capabilities: capabilities('cap-notify') });
  assert.deepEqual([ann.react, ann.type, ann.redact, ann.fit(id, 'text').multiline], [undefined, undefined, undefined, undefined]);
  assert.equal(world.adapter.capabilities(id).messageIds, false);
  ircd.offer('message-tags');
  const later = await until('the verbs', async () => {
    const session = await world.adapter.session(speaker('ann'), id);
    return session.react === undefined ? undefined : session;
  });
  assert.equal(typeof later.type, 'function');
  assert.equal(later.redact, undefined);
});

test('client tags that the server denies are not sent', async (t) => {
  const { ircd, ann } = await start(t, { faults: { isupport: ['CLIENTTAGDENY=*,-draft/reply,-draft/react'] } });
  assert.equal(ircd.name, 'irc.fake.test');
  assert.equal(ann.type, undefined);
  assert.equal(typeof ann.react, 'function');
});

test('CLIENTTAGDENY is read as its specification says', () => {
  assert.equal(isTagAllowed('', 'typing'), true);
  assert.equal(isTagAllowed('typing', 'typing'), false);
  assert.equal(isTagAllowed('*', 'typing'), false);
  assert.equal(isTagAllowed('*,-typing', 'typing'), true);
  assert.equal(isTagAllowed('*,-typing', 'draft/react'), false);
});

test('a mention is the nick that somebody has now', async (t) => {
  const { ircd, world, id, ann } = await start(t);
  const fit = ann.fit(id, 'text');
  const zoe = ircd.person('Zoe').join('#verbs');
  await until('zoe', () => world.adapter.channels.named(id, 'zoe'));
  assert.equal(fit.mention({ remote: remoteUserId('local/zoe') }), 'Zoe');
  assert.equal(fit.mention({ remote: remoteUserId('other/zoe') }), undefined);
  assert.equal(fit.mention({ user: speakerId('ann') }), 'ann[m]');
  assert.equal(fit.mention({ user: speakerId('nobody') }), undefined);
  zoe.rename('Zora');
  await world.event('profile');
  assert.equal(fit.mention({ remote: remoteUserId('local/zora') }), 'Zora');
});

function speakerId(name: string) {
  const who = speaker(name);
  if (who.as !== 'user') throw new TypeError('a person');
  return who.user;
}

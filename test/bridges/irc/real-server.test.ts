// The adapter on real servers, InspIRCd and ngircd: both directions, once each, proved.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type InspircdServer, startInspircd, startInspircdPair } from '../../../quickstart/servers/inspircd.ts';
import { startNgircd } from '../../../quickstart/servers/ngircd.ts';
import { IrcPerson } from '../../support/irc-person.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/waiting.ts';
import { matrixId, speaker, withAdapter } from './with-adapter.ts';

let server: InspircdServer;
before(async () => {
  server = await startInspircd({ folder: tempFolder() });
});
after(() => server.stop());

let count = 0;
const freshChannel = () => `#real${++count}`;

async function person(nick: string, channel: string): Promise<IrcPerson> {
  const someone = await IrcPerson.connect({ port: server.port, nick });
  await someone.join(channel);
  return someone;
}

test('a line said on IRC is reported once, however many sessions heard it', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port });
  await world.adapter.connect();
  const id = await world.watch(channel);
  await Promise.all(['ann', 'ben', 'cleo'].map((name) => world.join(name, id)));
  const zoe = await person('zoe', channel);
  t.after(() => zoe.quit());
  zoe.say(channel, 'hello there');
  zoe.action(channel, 'waves');
  zoe.notice(channel, 'psst');
  const last = await world.event('message', (event) => event.style === 'notice');
  assert.equal(last.body, 'psst');
  assert.deepEqual(world.texts(), ['zoe: hello there', 'zoe: waves', 'zoe: psst']);
  assert.deepEqual(
    world.events.flatMap((event) => (event.kind === 'message' ? [event.style] : [])),
    ['text', 'emote', 'notice'],
  );
  assert.equal(last.sender.id, 'local/zoe');
  assert.ok(last.id, 'with the id that the server gave');
});

test('people on Matrix speak as themselves, in order, and hear nothing back', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port });
  await world.adapter.connect();
  const id = await world.watch(channel);
  const yves = await person('yves', channel);
  t.after(() => yves.quit());
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, at) => world.say('dora', id, `line ${at}`)).concat(world.say('bot', id, '<eve> by the bot')),
  );
  await yves.waitForText(channel, '<eve> by the bot');
  await yves.waitForText(channel, 'line 19');
  const heard = yves.texts(channel).filter((text) => text.startsWith('dora[m]'));
  assert.deepEqual(
    heard,
    Array.from({ length: 20 }, (_, at) => `dora[m]: line ${at}`),
  );
  assert.equal(new Set(sent).size, 21, 'each with an id of its own');
  yves.say(channel, 'all heard');
  await world.event('message');
  assert.deepEqual(world.texts(), ['yves: all heard']);
});

test('the server restarted: all come back and what is said is heard once', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port, timing: { reconnectFirst: 200 } });
  await world.adapter.connect();
  const id = await world.watch(channel);
  await world.say('ann', id, 'before');
  await server.restart();
  await until(
    'the bot back',
    () => world.connections.filter(({ speaker, state }) => speaker.as === 'bot' && state === 'up').length === 2 || undefined,
  );
  const zoe = await person('zoe', channel);
  t.after(() => zoe.quit());
  await until('ann back', async () => ((await zoe.names(channel)).some((name) => name.includes('ann[m]')) ? true : undefined));
  zoe.say(channel, 'welcome back');
  await world.say('ann', id, 'thanks');
  await zoe.waitForText(channel, 'thanks');
  await world.event('message');
  assert.deepEqual(world.texts(), ['zoe: welcome back']);
});

test('a real netsplit and its end', async (t) => {
  const pair = await startInspircdPair({ folder: tempFolder() });
  t.after(() => pair.stop());
  const world = withAdapter(t, { port: pair.first.port });
  await world.adapter.connect();
  const id = await world.watch('#split');
  await world.join('ann', id);
  const far = await IrcPerson.connect({ port: pair.second.port, nick: 'far' });
  t.after(() => far.quit());
  await far.join('#split');
  await world.event('membership', (event) => event.user.name === 'far' && event.change === 'join');
  await pair.split();
  const leave = await world.event('membership', (event) => event.user.name === 'far' && event.change === 'leave');
  assert.equal(leave.netsplit, true);
  await pair.connect();
  await until(
    'far back',
    () => world.events.filter((event) => event.kind === 'membership' && event.change === 'join').length === 2 || undefined,
  );
  far.say('#split', 'through the gap');
  await world.event('message');
  assert.equal(world.events.length, 4);
});

test('on a server with almost no capabilities all is proved, and heard once', async (t) => {
  const ngircd = await startNgircd({ folder: tempFolder(), name: 'ng.test' });
  t.after(() => ngircd.stop());
  const world = withAdapter(t, { port: ngircd.port });
  await world.adapter.connect();
  const id = await world.watch('#ng');
  const zoe = await IrcPerson.connect({ port: ngircd.port, nick: 'zoe' });
  t.after(() => zoe.quit());
  await zoe.join('#ng');
  const lines = Array.from({ length: 10 }, (_, at) => `line ${at}`);
  await Promise.all([...lines.map((line) => world.say('ann', id, line)), ...lines.map((line) => world.say('bot', id, line))]);
  await zoe.settle();
  const nick = world.adapter
    .openSession(speaker('ann'), id)
    ?.fit(id, 'text')
    .mention({ user: matrixId('ann') });
  assert.deepEqual(
    zoe.texts('#ng').filter((text) => text.startsWith(`${nick}: `)),
    lines.map((line) => `${nick}: ${line}`),
  );
  assert.equal(zoe.texts('#ng').filter((text) => text.startsWith('causeway: ')).length, 10);
  zoe.say('#ng', 'well heard');
  await world.event('message');
  assert.deepEqual(world.texts(), ['zoe: well heard']);
});

test('kicked, banned and silenced on a real server', async (t) => {
  const channel = freshChannel();
  const zoe = await person('zoe', channel);
  t.after(() => zoe.quit());
  const world = withAdapter(t, { port: server.port, timing: { rejoin: 200 } });
  await world.adapter.connect();
  const id = await world.watch(channel);
  await world.join('ann', id);
  await zoe.mode(channel, '+m');
  await assert.rejects(world.say('ann', id, 'may I?'), { code: 'CHANNEL_CLOSED' });
  await zoe.mode(channel, '-m');
  await world.say('ann', id, 'thank you');
  await zoe.kick(channel, 'ann[m]', 'enough');
  const kick = await world.event('membership', (event) => event.change === 'kick');
  assert.deepEqual([kick.user.name, kick.by?.name, kick.reason], ['ann[m]', 'zoe', 'enough']);
  await zoe.mode(channel, '+b', 'ann*!*@*');
  await assert.rejects(world.say('ann', id, 'again'), { code: 'CHANNEL_CLOSED' });
  const since = zoe.mark();
  await zoe.kick(channel, 'causeway', 'you too');
  await zoe.waitForLine((line) => line.command === 'JOIN' && line.nick === 'causeway', { since });
  await zoe.mode(channel, '+b', 'causeway!*@*');
  await zoe.kick(channel, 'causeway', 'for good');
  const shut = await until('the suspension', () => world.suspended[0]);
  assert.equal(shut.channel, id);
});

test('replies, reactions and typing pass through InspIRCd', async (t) => {
  const channel = freshChannel();
  const world = withAdapter(t, { port: server.port });
  await world.adapter.connect();
  const id = await world.watch(channel);
  const zoe = await person('zoe', channel);
  t.after(() => zoe.quit());
  zoe.say(channel, 'a question');
  const asked = await world.event('message');
  assert.ok(asked.id);
  const target = { channel: id, ids: [asked.id] };
  const answered = await world.say('ann', id, 'an answer', 'text', { replyTo: target });
  assert.equal((await zoe.waitForText(channel, 'an answer')).tags['+draft/reply'], asked.id);
  const ann = await world.adapter.session(speaker('ann'), id);
  assert.ok(await ann.react?.(id, target, '👍', true, 'key'));
  await zoe.waitForLine((line) => line.tags['+draft/react'] === '👍');
  zoe.tag(channel, { '+draft/react': '🎉', '+draft/reply': answered ?? '' });
  assert.equal((await world.event('reaction')).target, answered);
  zoe.tag(channel, { '+typing': 'active' });
  assert.equal((await world.event('typing')).on, true);
  assert.equal(ann.redact, undefined);
});

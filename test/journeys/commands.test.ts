// What people ask of the bot, in a room and in a direct chat, who may, and what they are told where they may not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MatrixPerson } from '../support/matrix-person.ts';
import { until } from '../support/waiting.ts';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 500;
const bot = '@ircbot:hs.test';
const stage = await openStage({
  bridges: {
    irc: { config: { permissions: { 'hs.test': 'none', '@alice:hs.test': 'user', '@carl:hs.test': 'user', '@admin:hs.test': 'admin' } } },
  },
});
const { alice, bridge } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const admin = await stage.matrixPerson('admin');
const carl = await stage.matrixPerson('carl');
const stranger = await stage.matrixPerson('stranger');
const bob = await stage.sitIn('Bob', channel);

/** Says it and resolves with the bot's answer. */
async function ask(person: MatrixPerson, where: string, words: string): Promise<string> {
  const said = await person.say(where, words);
  const asked = await person.waitFor((event) => event.event_id === said);
  const answer = await person.waitFor((event) => event.room === where && event.sender === bot && event.type === 'm.room.message', {
    since: person.heard.indexOf(asked),
    timeout: 60_000,
  });
  assert.equal(answer.content.msgtype, 'm.notice');
  return answer.content.body;
}

/** A room of `maker` with the bot in it, which has the power that it needs unless `level` says otherwise. */
async function roomWithBot(maker: MatrixPerson, level = 50): Promise<string> {
  const made = await maker.createRoom({ name: 'a room', version: '11', powerLevels: { users: { [maker.userId]: 100, [bot]: level } } });
  await maker.invite(made, bot);
  await maker.waitForText(made, /^To link this room to a channel, a bridge admin says/);
  return made;
}

async function directChat(person: MatrixPerson): Promise<string> {
  const made = await person.createRoom({ isPublic: false, isDirect: true, invite: [bot] });
  await person.waitForText(made, /^Hello, I am the IRC bridge/);
  return made;
}

const links = async () => (await bridge.links('irc')).map((link) => `${link.room} ${link.channel} ${link.state}`);

test('help, list, status and whois are answered in the room, and neither question nor answer is carried', async () => {
  const since = bob.mark();
  const bobs = 'Bob on TestNet is @irc_local_bob:hs.test in Matrix: “Bob”, Bob@127.0.0.1.';
  assert.match(await ask(alice, room, '!irc help'), /^In a direct chat with me, or in a room after “!irc”:\nlink /);
  assert.equal(await ask(alice, room, '!irc list'), '#stage on TestNet, from config, live');
  assert.equal(await ask(alice, room, '!IRC status'), 'TestNet: connected');
  assert.equal(await ask(alice, room, '!irc whois bob'), bobs);
  for (const network of ['local', 'TestNet']) assert.equal(await ask(alice, room, `!irc whois ${network} bob`), bobs);
  assert.equal(await ask(alice, room, '!irc whois nobody'), 'There is nobody called nobody on TestNet.');
  assert.match(await ask(alice, room, '!irc dance'), /^I do not know “dance”\./);
  await alice.say(room, '!ircular reasoning');
  await bob.waitForText(channel, '!ircular reasoning', { since });
  assert.equal(await ask(alice, room, '!irc whois @alice:hs.test'), '@alice:hs.test is alice[m] on TestNet.');
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: !ircular reasoning']);
});

test('in a direct chat the bot greets and answers without the prefix; what is said there reaches no channel', async () => {
  const since = bob.mark();
  const chat = await directChat(alice);
  assert.match(await ask(alice, chat, 'help'), /^In a direct chat with me/);
  assert.match(await ask(alice, chat, 'hello there'), /^I do not know “hello”\./);
  assert.match(await ask(alice, chat, 'list'), /#stage on TestNet, from config, live$/);
  assert.match(
    await ask(alice, chat, 'link #somewhere'),
    /^That was not done: @alice:hs\.test may not link channels: that needs the permission “admin”/,
  );
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), []);
});

test('a stranger is refused: the bot declines their invitation with a reason, and answers no command with anything but a refusal', async () => {
  const made = await stranger.createRoom({ name: 'theirs', invite: [bot] });
  const declined = await stranger.waitFor(
    (event) => event.room === made && event.state_key === bot && event.content.membership === 'leave',
  );
  assert.match(declined.content.reason, /@stranger:hs\.test may not use this bridge/);
  await stranger.join(room);
  for (const words of ['!irc link #evil', '!irc unlink', '!irc list', '!irc whois bob', '!irc nick boss'])
    assert.match(await ask(stranger, room, words), /^That was not done: @stranger:hs\.test may not /, words);
  const since = bob.mark();
  await stranger.say(room, 'but I may speak');
  await bob.waitForText(channel, 'but I may speak', { since });
});

test('to link, one must be an admin of the bridge and rule the room; each refusal says what is lacking', async () => {
  const ofCarl = await roomWithBot(carl);
  assert.match(await ask(carl, ofCarl, '!irc link #new'), /^That was not done: @carl:hs\.test may not link channels: .* has “user”/);
  await admin.join(ofCarl);
  assert.equal(
    await ask(admin, ofCarl, '!irc link #new'),
    'That was not done: @admin:hs.test has power level 0 in the room and needs 100 (that of m.room.power_levels) to link it.',
  );
  const powerless = await roomWithBot(admin, 0);
  assert.match(
    await ask(admin, powerless, '!irc link #new'),
    /@ircbot:hs\.test has power level 0 in the room and needs 50 to claim the channel/,
  );
  const ofAdmin = await roomWithBot(admin);
  assert.match(
    await ask(admin, ofAdmin, '!irc link #stage'),
    new RegExp(`^That was not done: #stage is linked to another room already \\(${room}\\)`),
  );
  assert.match(await ask(admin, ofAdmin, '!irc link #a,b'), /^That was not done: #a,b names no channel/);
  assert.deepEqual((await links()).length, 1);
  for (const made of [ofCarl, powerless, ofAdmin])
    assert.equal(
      (
        await admin
          .call<{ status: string }>(
            'GET',
            `/v3/rooms/${encodeURIComponent(made)}/state/m.room.bridging/${encodeURIComponent('irc://local.test/#new')}`,
          )
          .catch(() => ({ status: 'none' }))
      ).status,
      'none',
    );
});

test('an admin links their room; lines cross at once and after a restart of the bridge; its ruler unlinks it, and nothing crosses', async () => {
  const made = await roomWithBot(admin);
  await bob.join('#fresh');
  assert.equal(await ask(admin, made, '!irc link #fresh'), '#fresh on TestNet is now linked to this room.');
  assert.deepEqual(await admin.state(made, 'm.room.bridging', 'irc://local.test/#fresh'), { user_id: admin.userId, status: 'success' });
  assert.match(await ask(admin, made, '!irc link #fresh'), /^That was not done: #fresh is linked to this room already/);
  const crosses = async (text: string) => {
    const [since, bobSince] = [admin.mark(), bob.mark()];
    bob.say('#fresh', `irc ${text}`);
    await admin.waitForText(made, `irc ${text}`, { since });
    await admin.say(made, `matrix ${text}`);
    await bob.waitForText('#fresh', `matrix ${text}`, { since: bobSince });
  };
  await crosses('one');
  await bridge.stop();
  const stopped = bob.mark();
  await bridge.start();
  await bob.waitForLine(({ command, nick, target }) => command === 'JOIN' && nick === 'causeway' && target === '#fresh', {
    since: stopped,
  });
  await crosses('two');
  assert.equal(await ask(admin, made, '!irc list'), '#fresh on TestNet, from command, live');
  await admin.call('PUT', `/v3/rooms/${encodeURIComponent(made)}/state/m.room.power_levels`, {
    ...(await admin.state(made, 'm.room.power_levels')),
    users: { [admin.userId]: 100, [carl.userId]: 100, [bot]: 50 },
  });
  await carl.join(made);
  assert.equal(await ask(carl, made, '!irc unlink'), '#fresh is no longer linked to this room.');
  assert.equal((await admin.state(made, 'm.room.bridging', 'irc://local.test/#fresh')).status, 'failure');
  const [since, bobSince] = [admin.mark(), bob.mark()];
  bob.say('#fresh', 'into the void');
  await admin.say(made, 'into the void as well');
  await delay(1_000);
  assert.deepEqual(roomLines(admin.heard.slice(since), made, admin.userId), []);
  assert.deepEqual(ircLines(bob, '#fresh', bobSince), []);
  await until('the ghosts to go', async () => !(await admin.members(made)).has(stage.ghost('Bob')) || undefined);
});

test('a link of the config is the operator’s: no command takes it away', async () => {
  await admin.join(room);
  assert.match(await ask(admin, room, '!irc unlink'), /^That was not done: the link to #stage stands in the bridge’s config/);
  assert.equal((await links())[0], `${room} local/#stage live`);
});

test('a room elsewhere is linked from the direct chat, by id and by alias', async () => {
  const chat = await directChat(admin);
  assert.match(await ask(admin, chat, 'link #far'), /^That was not done: which room\?/);
  const made = await admin.createRoom({
    name: 'far',
    alias: 'far',
    version: '11',
    powerLevels: { users: { [admin.userId]: 100, [bot]: 50 } },
  });
  assert.equal(await ask(admin, chat, 'link #far:hs.test TestNet #far'), `#far on TestNet is now linked to ${made}.`);
  assert.equal(await ask(admin, chat, `unlink ${made}`), `#far is no longer linked to ${made}.`);
  assert.match(await ask(admin, chat, 'link #gone:hs.test #far'), /^That was not done: there is no room called #gone:hs\.test\./);
});

test('a ghost that is invited declines with a reason; one of nobody cannot be invited to stay', async () => {
  for (const ghost of [stage.ghost('Bob'), stage.ghost('nobody')]) {
    const made = await alice.createRoom({ isPublic: false, isDirect: true });
    await alice.invite(made, bot);
    await alice.waitFor((event) => event.room === made && event.state_key === bot && event.content.membership === 'join');
    await alice.setState(made, 'm.room.power_levels', { ...(await alice.state(made, 'm.room.power_levels')), users: { [bot]: 50 } });
    await alice.invite(made, ghost);
    const left = await alice.waitFor((event) => event.room === made && event.state_key === ghost && event.content.membership === 'leave');
    assert.match(left.content.reason, /private chats with people on the network are not carried/);
  }
});

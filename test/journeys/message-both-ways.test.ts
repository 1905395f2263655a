// A line each way, in every style, with all that may stand in it; by a puppet, by the bot for somebody, on InspIRCd and on ngIRCd.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ircLines, openStage, roomLines } from './stage.ts';

const settle = 400;
const stage = await openStage({
  networks: { local: 'inspircd', ng: 'ngircd' },
  channels: ['#stage', '#Ünï', '#relay'],
  async prepare({ bridge, ircServers, makeRoom, link }) {
    await link(await makeRoom({ name: 'ng', alias: 'ng' }), '#ng', 'ng');
    // The same server once more, under another bot that speaks for everybody.
    await bridge.configure('irc', (config) => {
      const irc = config.irc as { networks: Record<string, object>; links: { channel: string }[] };
      const port = ircServers.local?.port;
      const relayed = { host: '127.0.0.1', port, tls: false, flood: 'off', domain: 'relayed.test', nick: 'relaybot', puppets: { max: 0 } };
      const links = irc.links.map((each) => (each.channel === '#relay' ? { ...each, network: 'relayed' } : each));
      return { ...config, irc: { networks: { ...irc.networks, relayed }, links } };
    });
  },
});
const { alice, places } = stage;
const { room, channel } = places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', '#stage', '#Ünï');
const carol = await stage.sitIn('carol', '#stage');
const ghost = stage.ghost('Bob');

test('text, emote and notice from IRC come as the ghost says them, once and in order', async () => {
  const since = alice.mark();
  bob.say(channel, 'hello');
  bob.action(channel, 'waves');
  bob.notice(channel, 'read this');
  bob.say(channel, 'last');
  await alice.waitForText(room, 'last', { since });
  await delay(settle);
  assert.deepEqual(roomLines(alice.heard.slice(since), room, alice.userId), [
    'irc_local_bob: hello',
    'irc_local_bob (emote): waves',
    'irc_local_bob (notice): read this',
    'irc_local_bob: last',
  ]);
  assert.equal((await alice.members(room)).get(ghost), 'Bob', 'the ghost bears the nick as it is written');
});

test('text, emote and notice from Matrix come from the puppet, once and in order', async () => {
  const since = bob.mark();
  await alice.say(room, 'hello');
  await alice.emote(room, 'waves');
  await alice.notice(room, 'read this');
  await alice.say(room, 'last');
  await bob.waitForText(channel, 'last', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), [
    'alice[m]: hello',
    'alice[m] (emote): waves',
    'alice[m] (notice): read this',
    'alice[m]: last',
  ]);
  const { real_name, ident } = await bob.whois('alice[m]');
  assert.equal(real_name, alice.userId, 'who it is can be asked');
  assert.equal(ident, 'alice');
});

test('formatting of IRC becomes HTML', async () => {
  const since = alice.mark();
  bob.say(channel, '\x02bold\x02 \x1ditalic\x1d \x1funder\x1f \x1estruck\x1e \x11code\x11 \x0304red\x03 <b>no tag</b> done');
  const { content } = await alice.waitForText(room, /done$/, { since });
  assert.equal(content.body, 'bold italic under struck code red <b>no tag</b> done');
  assert.equal(content.format, 'org.matrix.custom.html');
  assert.equal(
    content.formatted_body,
    '<strong>bold</strong> <em>italic</em> <u>under</u> <del>struck</del> <code>code</code> ' +
      '<font color="#ff0000" data-mx-color="#ff0000">red</font> &lt;b&gt;no tag&lt;/b&gt; done',
  );
});

test('HTML becomes formatting of IRC, and what HTML hides or forbids does not cross', async () => {
  const since = bob.mark();
  const html =
    '<b>bold</b> <i>italic</i> <u>under</u> <del>struck</del> <code>code</code> <font color="#ff0000">red</font> ' +
    '<a href="https://example.org/x">a link</a> <script>alert(1)</script>&lt;done&gt;';
  await alice.sayHtml(room, html, 'bold italic …');
  const { text } = await bob.waitForText(channel, /<done>$/, { since });
  assert.equal(
    text,
    '\x02bold\x02 \x1ditalic\x1d \x1funder\x1f \x1estruck\x1e \x11code\x11 \x0304red\x03 a link (https://example.org/x) <done>',
  );
});

test('a list, a quote and a code block become lines', async () => {
  const since = bob.mark();
  await alice.sayHtml(room, '<ul><li>one</li><li>two</li></ul><blockquote>said</blockquote><pre><code>x = 1\n</code></pre>', 'a list');
  await bob.waitForText(channel, /x = 1/, { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: - one', 'alice[m]: - two', 'alice[m]: > said', 'alice[m]: \x11x = 1\x0f']);
});

test('a nick becomes a pill that notifies: a puppet is the person, another nick the ghost', async () => {
  const since = alice.mark();
  bob.say(channel, 'alice[m]: have you met carol?');
  const { content } = await alice.waitForText(room, /met carol/, { since });
  const carolGhost = stage.ghost('carol');
  assert.equal(content.body, 'alice[m]: have you met carol?');
  assert.deepEqual(content['m.mentions'], { user_ids: [alice.userId, carolGhost] });
  const pill = (user: string, words: string) => `<a href="https://matrix.to/#/${user}">${words}</a>`;
  assert.equal(content.formatted_body, `${pill(alice.userId, 'alice[m]')}: have you met ${pill(carolGhost, 'carol')}?`);
});

test('a pill becomes the nick, of a ghost and of somebody who has a puppet', async () => {
  const since = bob.mark();
  const pill = (user: string, words: string) => `<a href="https://matrix.to/#/${user}">${words}</a>`;
  await alice.sayHtml(room, `${pill(ghost, 'The Builder')}: I am ${pill(alice.userId, 'Alice L.')}, yes`, 'Bob: I am alice, yes', {
    'm.mentions': { user_ids: [ghost] },
  });
  assert.equal((await bob.waitForText(channel, /yes$/, { since })).text, 'Bob: I am alice[m], yes');
});

test('long text is cut at words into lines that arrive whole, in order', async () => {
  const since = bob.mark();
  const words = Array.from({ length: 260 }, (_, at) => `wörd${at}`).join(' ');
  await alice.say(room, words);
  await bob.waitForText(channel, /wörd259$/, { since });
  await delay(settle);
  const lines = ircLines(bob, channel, since).map((line) => line.replace('alice[m]: ', ''));
  assert.equal(lines.join(' '), words);
  assert.equal(lines.length, 5);
  const raw = bob.heard.slice(since).filter(({ command }) => command === 'PRIVMSG');
  for (const line of raw) assert.ok(Buffer.byteLength(line.raw.replace(/^@\S+ /, '')) <= 512, line.raw);
});

test('more lines than a channel bears are cut with a word of how many are missing', async () => {
  const since = bob.mark();
  await alice.say(room, Array.from({ length: 120 }, (_, at) => `line ${at}`).join('\n'));
  await bob.waitForText(channel, /more lines/, { since, timeout: 60_000 });
  await delay(settle);
  const lines = ircLines(bob, channel, since);
  assert.equal(lines.length, 101);
  assert.deepEqual(lines.slice(98), ['alice[m]: line 98', 'alice[m]: line 99', 'alice[m]: … 20 more lines not shown']);
});

test('a long line of IRC, in scripts and pictures of every kind, crosses sign for sign both ways', async () => {
  const text = 'čeština ελληνικά русский עברית العربية हिन्दी 日本語 👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 𝕏';
  const sinceAlice = alice.mark();
  bob.say(channel, text);
  assert.equal((await alice.waitForText(room, /^čeština/, { since: sinceAlice })).content.body, text);
  const sinceBob = bob.mark();
  await alice.say(room, text);
  assert.equal((await bob.waitForText(channel, /^čeština/, { since: sinceBob })).text, text);
});

test('bytes that are no UTF-8 are read as Latin-1', async () => {
  const since = alice.mark();
  const old = connect(stage.ircServers.local?.port ?? 0, '127.0.0.1');
  let welcome = '';
  old.setEncoding('latin1').on('data', (chunk: string) => {
    const wasIn = welcome.includes(' 001 ');
    welcome += chunk;
    if (!wasIn && welcome.includes(' 001 ')) old.write(Buffer.from(`JOIN ${channel}\r\nPRIVMSG ${channel} :caf\xe9 au lait\r\n`, 'latin1'));
  });
  old.write('NICK old\r\nUSER old 0 * :old\r\n');
  assert.equal((await alice.waitForText(room, /au lait/, { since })).content.body, 'café au lait');
  old.end('QUIT\r\n');
  await once(old, 'close');
});

test('a channel with letters beyond ASCII is linked like any other', async () => {
  const umlauts = places['#Ünï'] as { room: string; channel: string };
  const since = alice.mark();
  bob.say('#Ünï', 'grüezi');
  assert.equal((await alice.waitForText(umlauts.room, 'grüezi', { since })).sender, ghost);
  const sinceBob = bob.mark();
  await alice.say(umlauts.room, 'salü');
  await bob.waitForText('#Ünï', 'salü', { since: sinceBob });
});

test('line breaks, NUL and CTCP marks of a Matrix person reach no IRC line as such', async () => {
  const since = bob.mark();
  await alice.say(room, 'a\r\nPRIVMSG #stage :b\u0000c\u0001VERSION\u0001');
  await bob.waitForText(channel, /VERSION/, { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['alice[m]: a', 'alice[m]: PRIVMSG #stage :bcVERSION']);
});

test('what is said before a person has a puppet waits for it; each person is one nick, in every channel', async () => {
  const dave = await stage.matrixPerson('dave');
  await dave.setDisplayName('Dâve the 2nd');
  await dave.join(room);
  const since = bob.mark();
  await dave.say(room, 'one');
  await dave.say(room, 'two');
  await bob.waitForText(channel, 'two', { since });
  await delay(settle);
  assert.deepEqual(ircLines(bob, channel, since), ['Dave_the_2nd[m]: one', 'Dave_the_2nd[m]: two']);
  assert.ok(
    carol.heard.some(({ command, nick }) => command === 'JOIN' && nick === 'Dave_the_2nd[m]'),
    'the puppet is seen joining',
  );
});

test('with no puppets to be had, the bot says who speaks; emotes and every line of a long text bear the name', async () => {
  const relay = places['#relay'] as { room: string; channel: string };
  const erin = await stage.sitIn('erin', '#relay');
  const frank = await stage.matrixPerson('frank');
  await frank.setDisplayName('Frank <the> Third');
  await frank.join(relay.room);
  const since = erin.mark();
  await frank.say(relay.room, 'hello');
  await frank.emote(relay.room, 'waves');
  await frank.notice(relay.room, 'read this');
  await erin.waitForText('#relay', /read this/, { since });
  await alice.say(relay.room, 'one\ntwo');
  await erin.waitForText('#relay', /two/, { since });
  await delay(settle);
  assert.deepEqual(ircLines(erin, '#relay', since), [
    'relaybot: <Frank the Third> hello',
    'relaybot: * Frank the Third waves',
    'relaybot (notice): <Frank the Third> read this',
    'relaybot: <alice> one',
    'relaybot: <alice> two',
  ]);
  const back = alice.mark();
  erin.say('#relay', 'hello all');
  const { sender } = await alice.waitForText(relay.room, 'hello all', { since: back });
  assert.equal(sender, stage.ghost('erin', 'relayed'));
});

test('a server that knows hardly any of IRCv3 serves as well', async () => {
  const ngRoom = await alice.join(`#ng:${stage.synapse.domain}`);
  const gil = await stage.ircPerson('gil', 'ng');
  await gil.join('#ng');
  const since = gil.mark();
  await alice.say(ngRoom, 'one');
  await alice.emote(ngRoom, 'waves');
  await alice.say(ngRoom, 'two');
  await gil.waitForText('#ng', 'two', { since });
  const back = alice.mark();
  for (const text of ['a', 'b', 'c']) gil.say('#ng', text);
  await alice.waitForText(ngRoom, 'c', { since: back });
  await delay(settle);
  assert.deepEqual(ircLines(gil, '#ng', since), ['alice[m]: one', 'alice[m] (emote): waves', 'alice[m]: two']);
  assert.deepEqual(roomLines(alice.heard.slice(back), ngRoom, alice.userId), ['irc_ng_gil: a', 'irc_ng_gil: b', 'irc_ng_gil: c']);
});

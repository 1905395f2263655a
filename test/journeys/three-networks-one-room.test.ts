// One room linked to an IRC channel, a Slack channel and a Gitter room at once, by three bridges in one process: what is said on one
// side stands once on each of the others, with the name of who said it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { openOrg } from './gitter/stage.ts';
import { openSlackStage } from './slack/stage.ts';

const org = await openOrg();
const { gitter, ann: greta, bob: guido, room: gitterRoom } = org;
greta.setDisplayName('Greta Example');
const section = { api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, token: org.token };
const stage = await openSlackStage({
  transport: 'socket',
  beside: { networks: { local: 'inspircd' }, bridges: { irc: {}, gitter: { gitter: section } } },
  prepare: async ({ bridge, link, places }) => {
    const room = places.general?.room ?? '';
    await link(room, '#stage', 'local', 'irc');
    await bridge.configure('gitter', (config) => ({ ...config, gitter: { ...section, links: [{ channel: 'org/room', room }] } }));
  },
});
after(async () => {
  await stage.stop();
  await gitter.stop();
});
const { alice, ann, bridge, ghostOf } = stage;
const { room, channel } = stage.places.general ?? assert.fail();

test('what is said on one of four sides stands once on each of the others, with the right name', async () => {
  for (const name of bridge.names) {
    await until(`the link of ${name}`, async () => (await bridge.links(name)).some(({ state }) => state === 'live'), 30_000);
  }
  await gitter.waitForListener(gitterRoom, 'matrixbot', { timeout: 20_000 });
  const zoe = await stage.ircPerson('zoe');
  await zoe.join('#stage');

  // Who is seen to have said it, once for each time that it stands there.
  const onIrc = (words: string) => zoe.heard.filter(({ command, text }) => command === 'PRIVMSG' && text === words).map(({ nick }) => nick);
  const inSlack = (words: string) =>
    ann
      .sees(channel)
      .filter(({ text }) => text === words)
      .map((message) => message.username ?? message.bot_profile?.name ?? message.user);
  const inGitter = (words: string) =>
    guido
      .sees(gitterRoom)
      .filter(({ text }) => text === words)
      .map(({ virtualUser, fromUser }) => virtualUser?.displayName ?? (typeof fromUser === 'string' ? fromUser : fromUser.username));
  const inRoom = (words: string) =>
    alice.heard
      .filter(({ room: where, type, content }) => where === room && type === 'm.room.message' && content.body === words)
      .map(({ sender }) => sender);
  const seen = (words: string) => ({ irc: onIrc(words), slack: inSlack(words), gitter: inGitter(words), room: inRoom(words) });

  ann.say(channel, 'words from Slack');
  greta.say(gitterRoom, 'words from Gitter');
  zoe.say('#stage', 'words from IRC');
  await alice.say(room, 'words from Matrix');
  const sides = ['Slack', 'Gitter', 'IRC', 'Matrix'];
  const all = () => Object.fromEntries(sides.map((side) => [side, seen(`words from ${side}`)]));
  const wanted = {
    Slack: { irc: ['Ann_Example[m]'], slack: [ann.id], gitter: ['Ann Example'], room: [ghostOf(ann)] },
    Gitter: { irc: ['Greta_Example[m]'], slack: ['Greta Example'], gitter: ['ann'], room: [`@gitter_${greta.id}:${stage.synapse.domain}`] },
    IRC: { irc: [], slack: ['zoe'], gitter: ['zoe'], room: [stage.ghost('zoe', 'local')] },
    Matrix: { irc: ['Alice[m]'], slack: ['Alice'], gitter: ['Alice'], room: [alice.userId] },
  };
  const count = (found: ReturnType<typeof all>) => Object.values(found).flatMap((side) => Object.values(side).flat()).length;
  await until('all of it everywhere', () => count(all()) >= count(wanted) || undefined, 30_000).catch(() => undefined);
  // What would come twice has the time to.
  await delay(2_000);
  assert.deepEqual(all(), wanted);
});

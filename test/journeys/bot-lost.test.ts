// The bot, which hears the channels for all, is lost: somebody else of ours who is there hears on. No line is lost, none comes
// twice, also while its place changes hands under load.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { openStage, roomLines } from './stage.ts';

const settle = 1_000;
const stage = await openStage({ channels: ['#stage', '#kicked'] });
const { alice, bridge } = stage;
const bob = await stage.sitIn('Bob', '#stage', '#kicked');
const carol = await stage.sitIn('carol', '#stage', '#kicked');
for (const { room, channel } of Object.values(stage.places)) {
  await alice.say(room, 'I am here');
  await bob.waitForText(channel, 'I am here');
}

/** Both talk at a steady pace while `work` goes on; resolves with what each said. */
async function underLoad(name: string, channel: string, work: () => Promise<void>): Promise<{ bob: string[]; carol: string[] }> {
  const said = { bob: [] as string[], carol: [] as string[] };
  const timer = setInterval(() => {
    said.bob.push(`${name} b${said.bob.length}`);
    bob.say(channel, said.bob.at(-1) as string);
    said.carol.push(`${name} c${said.carol.length}`);
    carol.say(channel, said.carol.at(-1) as string);
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return said;
}

async function allHeard(since: number, said: { bob: string[]; carol: string[] }, channel: string): Promise<void> {
  const { room } = stage.places[channel] as { room: string };
  for (const last of [said.bob.at(-1), said.carol.at(-1)]) await alice.waitForText(room, last as string, { since });
  await delay(settle);
  const lines = roomLines(alice.heard.slice(since), room, alice.userId);
  const of = (nick: string) =>
    lines.filter((line) => line.startsWith(`irc_local_${nick}: `)).map((line) => line.slice(`irc_local_${nick}: `.length));
  assert.deepEqual(of('bob'), said.bob);
  assert.deepEqual(of('carol'), said.carol);
  assert.equal(lines.length, said.bob.length + said.carol.length, String(lines.filter((line) => line.startsWith('ircbot'))));
}

const isThere = async () => (await bob.names('#stage')).some((name) => /^@?causeway\d?!/.test(name)) || undefined;

test('kicked out of the channel: another hears on, and the channel stays linked', async () => {
  const since = alice.mark();
  const said = await underLoad('kick', '#kicked', async () => {
    await delay(300);
    await stage.asOperator('SAMODE #kicked +o Bob');
    await bob.kick('#kicked', 'causeway', 'shoo');
    await delay(2_000);
  });
  await allHeard(since, said, '#kicked');
  const { output } = await bridge.command('links', bridge.fileOf('irc'), '--json');
  assert.equal((JSON.parse(output) as { state: string }[]).filter(({ state }) => state === 'live').length, 2);
});

test('killed by an operator of the server, and back a moment later: all is heard, once, in order, and no gap is told', async () => {
  const since = alice.mark();
  const said = await underLoad('kill', '#stage', async () => {
    await delay(500);
    await stage.asOperator('KILL causeway :out');
    await until('the bot to be back', isThere);
    await delay(1_000);
  });
  await allHeard(since, said, '#stage');
});

test('the one who would stand in for it is lost: the bot hears on, and the next one stands by', async () => {
  const since = alice.mark();
  const said = await underLoad('again', '#stage', async () => {
    await delay(300);
    await stage.asOperator('KILL alice[m] :out');
    await delay(700);
  });
  await allHeard(since, said, '#stage');
});

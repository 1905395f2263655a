// The bridge dies at each named point of a message's journey (test/support/crash-points.ts), and at moments that Slack tells: after the
// next start each line stands once on the other side, for Slack is asked by key and by file, and what it was not answered it tells again.

import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Plan, points } from '../../support/crash-points.ts';
import type { CallFault } from '../../support/fake-slack.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const planFile = join(tempFolder(), 'plan.json');
const preload = pathToFileURL(join(import.meta.dirname, '../../support/crash-points.ts')).href;
const stage = await openSlackStage({
  transport: 'socket',
  section: { rate_limits: false },
  env: { CAUSEWAY_CRASH_PLAN: planFile, NODE_OPTIONS: `--import=${preload}` },
});
const { alice, ann, bridge, slack } = stage;
const { channel, room } = stage.places.general ?? assert.fail();

async function start(): Promise<void> {
  for (const end of ['', '.armed', '.reached']) rmSync(planFile + end, { force: true });
  await bridge.start();
}

async function arm(plan: Plan): Promise<void> {
  writeFileSync(planFile, JSON.stringify(plan));
  bridge.signal('SIGUSR2');
  await until('the bridge to know where it is to die', () => existsSync(`${planFile}.armed`) || undefined);
}

async function died(): Promise<void> {
  await until('the bridge to come to where it dies', () => !bridge.isRunning || undefined);
  assert.ok(existsSync(`${planFile}.reached`), `it ended by itself:\n${bridge.logTail()}`);
}

const inSlack = (tag: string) => ann.texts(channel).filter((text) => text.includes(tag));
const inMatrix = async (tag: string) =>
  (await alice.history(room, Number.POSITIVE_INFINITY)).flatMap(({ type, content }) =>
    type === 'm.room.message' && String(content.body).startsWith(tag) ? [String(content.body)] : [],
  );

/** Of either line once, and in order: the one of that moment, and one said after the start. */
async function stoodOnceInSlack(tag: string): Promise<void> {
  await start();
  await alice.say(room, `${tag} later`);
  await until('the line after it', () => inSlack(`${tag} later`).length > 0 || undefined);
  assert.deepEqual(inSlack(tag), [`${tag} of that moment`, `${tag} later`]);
}

for (const at of points.toNetwork.filter((point) => !point.endsWith('line'))) {
  test(`Matrix → Slack, dead ${at}: it stands in Slack once, and in order`, async () => {
    await start();
    await arm({ way: 'toNetwork', at, nth: 1 });
    await alice.say(room, `up ${at}: of that moment`);
    await died();
    await stoodOnceInSlack(`up ${at}:`);
  });
}

const moments: readonly { readonly name: string; readonly fault: CallFault; readonly stands: boolean }[] = [
  { name: 'asked', fault: { on: 'chat.postMessage', times: 1, act: { drop: 'before' } }, stands: false },
  { name: 'posted', fault: { on: 'chat.postMessage', times: 1, act: { wait: 3_000, when: 'after' } }, stands: true },
];

for (const { name, fault, stands } of moments) {
  test(`Matrix → Slack, dead when Slack was ${name} and had not answered: it stands in Slack once, and in order`, async () => {
    await start();
    slack.fault(fault);
    const before = slack.calls.items.filter(({ method }) => method === 'chat.postMessage').length;
    await alice.say(room, `up ${name}: of that moment`);
    await until(
      'Slack to be asked',
      () => slack.calls.items.filter(({ method }) => method === 'chat.postMessage').length > before || undefined,
    );
    if (stands) await until('it to stand there', () => inSlack(`up ${name}:`).length > 0 || undefined);
    await bridge.kill('SIGKILL');
    await stoodOnceInSlack(`up ${name}:`);
  });
}

for (const when of ['before', 'after'] as const) {
  test(`a file for Slack, dead ${when} Slack shows it: it is shown once`, async () => {
    const name = `${when}.txt`;
    const shown = () =>
      ann.sees(channel).filter(({ files }) => ((files ?? []) as { readonly name: string }[]).some((file) => file.name === name));
    await start();
    slack.fault({ on: 'files.completeUploadExternal', times: 1, act: { wait: 3_000, when } });
    await alice.sendFile(room, Buffer.from(`a file, ${when}`), name, 'text/plain');
    if (when === 'after') await until('the file', () => shown().length > 0 || undefined);
    else await until('the bytes', () => [...slack.world.files.values()].some((file) => file.name === name) || undefined);
    await bridge.kill('SIGKILL');
    await start();
    await alice.say(room, `${name} and a word`);
    await until('the word after it', () => inSlack(`${name} and a word`).length > 0 || undefined);
    assert.equal(shown().length, 1);
  });
}

for (const at of points.toMatrix) {
  test(`Slack → Matrix, dead ${at}: it stands in the room once, and in order`, async () => {
    await start();
    await arm({ way: 'toMatrix', at, nth: 1 });
    ann.say(channel, `down ${at}: of that moment`);
    await died();
    ann.say(channel, `down ${at}: while it was away`);
    await start();
    ann.say(channel, `down ${at}: later`);
    await until('the last line', async () => (await inMatrix(`down ${at}: later`)).length > 0 || undefined);
    assert.deepEqual(
      await inMatrix(`down ${at}:`),
      ['of that moment', 'while it was away', 'later'].map((words) => `down ${at}: ${words}`),
    );
  });
}

// A network that takes the bridge no more: who is told, and how often.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Alarms } from '../../../bridge-core/control/alarms.ts';
import { openNotes } from '../../../bridge-core/store/notes.ts';
import { silentLog } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';
import { startRig } from '../rig.ts';

async function alarmed(t: TestContext) {
  const told: string[] = [];
  const network = { network: 'N1', name: 'Acme', state: 'up', sessions: 1, detail: undefined as string | undefined };
  const link = (room: string, more: object = {}) => ({
    room,
    channel: `N1/${room}`,
    state: 'live',
    origin: 'command',
    options: {},
    ...more,
  });
  const links = [link('!a'), link('!a'), link('!made', { origin: 'portal' }), link('!rests', { state: 'suspended' })];
  const elsewhere = link('!other', { channel: 'N2/x' });
  const notes = openNotes((await startRig(t)).store);
  const start = () => {
    const alarms = new Alarms({
      ...{ notes, log: silentLog, after: 5, admins: () => ['@root:hs.test'] },
      links: { all: () => [...links, elsewhere] },
      adapter: { status: () => [network], channels: { describe: (id: string) => ({ id, name: id, network: { id: id.split('/')[0] } }) } },
      tell: (room: string, words: string) => void told.push(`${room} ${words}`),
      tellPerson: (user: string, words: string) => void told.push(`${user} ${words}`),
    } as never);
    t.after(() => alarms.stop());
    return alarms;
  };
  const become = (state: string, detail?: string) => Object.assign(network, { state, detail, isForGood: detail !== undefined });
  return { told, start, become };
}

test('what is down for good is told to admins who are named and in rooms that people linked, once, over a restart too, and its end', async (t) => {
  const { told, start, become } = await alarmed(t);
  let alarms = start();
  become('down', 'the token is dead.');
  alarms.connection('N1', false);
  const words = 'The bridge is cut off from Acme: the token is dead.';
  await until('both', () => told.length === 2 || undefined);
  assert.deepEqual(told.splice(0), [`@root:hs.test ${words}`, `!a ${words}`]);
  alarms.stop();
  alarms = start();
  alarms.connection('N1', false);
  become('up');
  alarms.connection('N1', true);
  await until('both', () => told.length === 2 || undefined);
  assert.deepEqual(told, ['@root:hs.test The bridge is back on Acme.', '!a The bridge is back on Acme.']);
});

test('what is tried again by itself, or is well again at once, alarms nobody', async (t) => {
  const { told, start, become } = await alarmed(t);
  const alarms = start();
  become('connecting');
  alarms.connection('N1', false);
  alarms.connection('N2', false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  become('down');
  alarms.connection('N1', false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  become('down', 'the token is dead.');
  alarms.connection('N1', false);
  become('up');
  alarms.connection('N1', true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(told, []);
});

// A bridge that does not start: seen as that, tried again, and with the config as it is when it was read anew.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../bridge-core/errors.ts';
import { KeptBridge } from '../../bridge-core/kept-bridge.ts';
import type { BridgeDefinition } from '../../bridge-core/running-bridge.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/waiting.ts';
import { collectLog } from './rig.ts';

/** Its store lies below what is no folder, so it never starts. */
function hopeless(t: TestContext, reload: () => Promise<{ store: string }>) {
  const log = collectLog();
  const settings = (store: string) => ({ settings: { store } as BridgeDefinition['settings'], networkSettings: {} });
  const bridge = new KeptBridge({
    definition: {
      ...settings('/dev/null/one.db'),
      registration: { id: 'kept' } as BridgeDefinition['registration'],
      network: {} as BridgeDefinition['network'],
      file: 'kept.yaml',
      reload: async () => settings((await reload()).store),
    },
    ...{ log, listen: async () => () => {}, onAbsent: () => {} },
  });
  t.after(() => bridge.stop());
  return { bridge, log, said: (words: string) => log.lines.filter((line) => line.includes(words)).length };
}

test('until it has been tried it is no fault that it does not run; afterwards it says why', async (t) => {
  const { bridge } = hopeless(t, async () => ({ store: '' }));
  assert.deepEqual([bridge.absence?.ok, bridge.absence?.ready], [true, false]);
  await assert.rejects(bridge.start(), { code: 'STORE_BROKEN' });
  assert.equal(bridge.absence?.ok, false);
  assert.match(bridge.absence?.details.start?.detail ?? '', /^STORE_BROKEN: .*\/dev\/null\/one\.db/);
});

test('a reload of one that does not run is its next config: tried at once, and told anew what hinders it', async (t) => {
  let store = '/dev/null/two.db';
  const { bridge, said } = hopeless(t, async () => {
    if (store === '') throw new ConfigError('CONFIG_INVALID', '1 fault');
    return { store };
  });
  await bridge.start().catch(() => bridge.startLater());
  assert.equal(said('does not start: cannot reach the folder of the store /dev/null/one.db'), 1);
  const { lines, fault } = await bridge.reload();
  assert.equal(fault, undefined);
  assert.match(lines[0] ?? '', /^does not run \(STORE_BROKEN: .*one\.db.*\); its config is read anew for the next try$/);
  await until('the next try', () => said('of the store /dev/null/two.db') > 0 || undefined);
  store = '';
  assert.equal((await bridge.reload()).fault?.code, 'CONFIG_INVALID');
  store = `${tempFolder()}/three.db`;
  await bridge.reload();
  // That one can be opened: what is lacking now is a network.
  await until('a try with the third', () => said('is not a function') > 0 || undefined);
});

// `causeway keys FILE [--rotate]`: how many keys there are, and new ones with all that is sealed sealed anew.

import { count } from '../../config/faults.ts';
import type { Sources } from '../../config/sources.ts';
import { loadStore } from './configs.ts';
import { ask } from './records.ts';

export async function showKeys(file: string, sources: Sources): Promise<number> {
  const core = await loadStore(file, sources);
  const keys = await ask(core, { verb: 'keys', offline: (store) => store.keys() });
  const { signing, sealing } = keys as { readonly signing: number; readonly sealing: number };
  if (sealing === 0) {
    console.log(`There is no ${core.store}.keys yet: the bridge makes one when it starts.`);
    return 0;
  }
  console.log(`${core.store}.keys holds ${count(sealing, 'key')} to seal with and ${count(signing, 'key')} to sign with.`);
  if (sealing > 1) console.log(`A rotation was cut short: \`causeway keys ${file} --rotate\` ends it.`);
  return 0;
}

export async function rotateKeys(file: string, sources: Sources): Promise<number> {
  const core = await loadStore(file, sources);
  const rotated = await ask(core, { verb: 'keys', args: 'rotate', offline: (store) => store.rotateKeys() });
  const { done, lost } = rotated as { readonly done: number; readonly lost: number };
  console.log(`New keys are in ${core.store}.keys: ${count(done, 'secret')} sealed anew; links given out before stay good.`);
  if (lost > 0) console.log(`${count(lost, 'secret')} could not be opened with any key and stayed as before.`);
  console.log('A backup made before holds the old keys: keep it where nobody reads it, or make a new one.');
  return 0;
}

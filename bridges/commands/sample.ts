// `causeway sample NETWORK`

import { PermanentError } from '#bridge-core/host';
import { sample } from '../../config/sample.ts';
import { networks } from '../networks.ts';

export async function printSample(name: string): Promise<number> {
  const load = Object.hasOwn(networks, name) ? networks[name] : undefined;
  if (load === undefined) {
    const { suggestion } = await import('../../config/faults.ts');
    const names = Object.keys(networks);
    console.error(
      new PermanentError(
        'BAD_REQUEST',
        `no network ${JSON.stringify(name)}; there is ${names.join(', ')}. ${suggestion(name, names)}`,
      ).message.trim(),
    );
    return 2;
  }
  process.stdout.write(sample(await load()));
  return 0;
}

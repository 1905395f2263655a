// `causeway version`

import { readFileSync } from 'node:fs';

export async function printVersion(): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  console.log(`causeway ${version} (Node ${process.versions.node})`);
  return 0;
}

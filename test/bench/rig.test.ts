// A bench that is ended, in whatever way, leaves nothing running.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findProgram } from '../../quickstart/servers/run-command.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/waiting.ts';

const here = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** With a bridge, an IRC server, a stub and a bare crowd running. */
const code = `
  const { setUp } = await import(${here('./rig.ts')});
  const { bareCrowd } = await import(${here('./floors.ts')});
  const rig = await setUp({ channels: 1, people: 1 });
  await rig.startBridge();
  await bareCrowd(rig.ircPort, '#bench0', 2, false);
  console.log('ready');
  setInterval(() => {}, 1000);`;

const statOf = (pid: string) => {
  try {
    // The name, in parentheses, may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
};

function descendantsOf(pid: string): string[] {
  const children = readdirSync('/proc').filter((each) => /^\d+$/.test(each) && statOf(each)[1] === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** What is left in files goes with the test. */
const env = { ...process.env, TMPDIR: tempFolder() };
const skip = findProgram('setpriv') ? false : 'no setpriv here';

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`bridge, IRC server, stub and crowd end with a bench that gets ${signal}`, { skip }, async () => {
    const bench = spawn(process.execPath, ['--input-type=module', '-e', code], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(bench.stdout, 'data');
    const children = descendantsOf(String(bench.pid));
    assert.equal(children.length, 4);
    bench.kill(signal);
    await once(bench, 'close');
    await until('all to be gone', () => children.every((pid) => [undefined, 'Z', 'X'].includes(statOf(pid)[0])) || undefined);
  });
}

test('a bench whose npm is killed outright ends', { skip }, async () => {
  const bench = new URL('./bench.ts', import.meta.url).pathname;
  const npm = spawn('sh', ['-c', `${process.execPath} ${bench} start-up & echo $!; wait`], {
    ...{ env: { ...env, npm_lifecycle_event: 'bench' }, stdio: ['ignore', 'pipe', 'ignore'] },
  });
  const [told] = (await once(npm.stdout, 'data')) as [Buffer];
  const pid = String(told).trim().split('\n')[0] ?? '';
  const children = await until('a child', () => {
    const found = descendantsOf(pid);
    return found.length > 0 ? found : undefined;
  });
  npm.kill('SIGKILL');
  await until('all to be gone', () => [pid, ...children].every((each) => [undefined, 'Z', 'X'].includes(statOf(each)[0])) || undefined);
});

// Server processes end with the one who started them, however that one ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { ServerProcess } from '../../quickstart/servers/processes.ts';
import { findProgram } from '../../quickstart/servers/run-command.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { patience, until } from '../support/waiting.ts';

const module = new URL('../../quickstart/servers/processes.ts', import.meta.url).href;

/** A parent that starts a `sleep`, tells its pid, and then does as `then` says. Resolves with the pid once told; `ended` once the parent has. */
async function parentOfSleep(then: string) {
  const code = `
    const { ServerProcess } = await import(${JSON.stringify(module)});
    const child = new ServerProcess({ name: 'sleep', command: 'sleep', args: ['60'], log: ${JSON.stringify(join(tempFolder(), 'log'))} });
    console.log(child.pid);
    ${then}`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  // Asked for now: it may be over before the next line is.
  const ended = once(parent, 'close');
  const [told] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(told);
  // Until then it may be the program before it, which has yet to tell the kernel whose end is its own.
  await until('the server itself', () => nameOf(pid) !== 'setpriv' || undefined);
  return { parent, pid, ended };
}

/** Empty: there is none. */
const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
};

/** Ended; that its new parent has not asked for its exit code yet (state Z) does not matter. */
const isGone = (pid: number) => {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, '')) || undefined;
  } catch {
    return true;
  }
};

for (const [how, then, signal] of [
  ['ends by an exception', 'throw new Error("x")', undefined],
  ['calls process.exit', 'process.exit(0)', undefined],
  ['is interrupted by Ctrl-C', '', 'SIGINT'],
  ['is told to end', '', 'SIGTERM'],
  ['is killed outright', '', 'SIGKILL'],
] as const) {
  const skip = signal === 'SIGKILL' && !findProgram('setpriv') ? 'no setpriv here' : false;
  it(`a server is gone once its parent ${how}`, { skip }, async () => {
    const { parent, pid, ended } = await parentOfSleep(then);
    assert.ok(pid > 0);
    if (signal) parent.kill(signal);
    await ended;
    await until('the end of the server', () => isGone(pid));
  });
}

it('a server that does not heed the request to end is made to', async () => {
  const log = join(tempFolder(), 'log');
  const stubborn = new ServerProcess({
    name: 'stubborn',
    command: 'sh',
    args: ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'],
    log,
  });
  await stubborn.waitUntil(async () => stubborn.tail().includes('ready'), patience);
  await stubborn.stop(100);
  assert.equal(await stubborn.exited, 'ended by SIGKILL');
});

it('a program that is not there is an error with its name', async () => {
  const missing = new ServerProcess({ name: 'Nothing', command: '/nonexistent/program', args: [], log: join(tempFolder(), 'log') });
  await assert.rejects(
    missing.waitUntil(async () => false, patience),
    /Nothing ended while starting/,
  );
});

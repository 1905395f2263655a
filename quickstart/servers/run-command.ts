// Runs an installer to its end, with a sign of life every few seconds.

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Say } from './cache.ts';

export interface CommandResult {
  readonly code: number;
  /** Both streams, as they came. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Told every five seconds what was last printed. */
  readonly say?: Say;
}

/** Never rejects: a command that cannot be started has code 127. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const began = Date.now();
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const endWithUs = () => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    let output = '';
    const lifeSign = setInterval(() => {
      const last = output.trimEnd().split('\n').at(-1)?.trim().slice(0, 90) ?? '';
      options.say?.(`  … ${Math.round((Date.now() - began) / 1000)} s: ${last}`);
    }, 5_000);
    const finish = (code: number, more = '') => {
      clearInterval(lifeSign);
      process.off('exit', endWithUs);
      resolve({ code, output: output + more });
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    child.once('error', (error) => finish(127, error.message));
    child.once('close', (code) => finish(code ?? 1));
  });
}

/** The full path of a program, looked for where the shell would and in the folders of system programs. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

// The command line as an operator meets it: a process of its own, its exit code and what it says.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const main = fileURLToPath(new URL('../../bridges/main.ts', import.meta.url));

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

const { PATH, NODE_COMPILE_CACHE } = process.env;
/** Nothing else of the environment of the test run goes along. */
const passedOn = { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };

export function start(words: readonly string[], { cwd, env = {}, command = [process.execPath, main] }: CliOptions): ChildProcess {
  const [program = '', ...first] = command;
  return spawn(program, [...first, ...words], { cwd, env: { ...passedOn, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

export const causeway = (words: readonly string[], options: CliOptions): Promise<Outcome> => outcomeOf(start(words, options));

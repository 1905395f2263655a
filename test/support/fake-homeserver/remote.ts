// Starts the fake homeserver in a process of its own and speaks to its control port, so that a measurement sees only the
// bridge's cost in the bridge's process.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FakeHomeserver, FakeHomeserverOptions } from '../fake-homeserver.ts';

export interface RemoteHomeserver {
  readonly url: string;
  readonly bot: string;
  readonly pid: number;
  /** A method of FakeHomeserver by name, its arguments and its result as JSON. */
  call<Verb extends PlainVerb>(verb: Verb, ...given: Parameters<FakeHomeserver[Verb]>): Promise<Awaited<ReturnType<FakeHomeserver[Verb]>>>;
  counts(): Promise<Record<string, number>>;
  cpu(): Promise<NodeJS.CpuUsage>;
  flood(options: { users: string[]; rooms: string[]; count: number; gap?: number; prefix?: string }): Promise<{ id: string; at: number }[]>;
  sayAll(room: string, lines: readonly { user: string; text: string }[], gap?: number): Promise<void>;
  stop(): Promise<void>;
}

type PlainVerb = {
  [Key in keyof FakeHomeserver]: FakeHomeserver[Key] extends (...given: never[]) => unknown ? Key : never;
}[keyof FakeHomeserver];

export async function spawnFakeHomeserver(options: FakeHomeserverOptions = {}): Promise<RemoteHomeserver> {
  const script = fileURLToPath(new URL('process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  // Asked for from its start on: where it ended by itself, nobody waits for that in vain.
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const { url, control, bot } = await new Promise<{ url: string; control: string; bot: string }>((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line)));
    void ended.then((code) => reject(new Error(`the fake homeserver ended with ${code}`)));
  });
  const ask = async (verb: string, ...given: unknown[]) => {
    const answer = await fetch(control, { method: 'POST', body: JSON.stringify({ verb, given }) });
    const { result, error } = (await answer.json()) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  };
  return {
    url,
    bot,
    pid: child.pid ?? 0,
    call: (verb, ...given) => ask(verb, ...given) as never,
    counts: () => ask('counts') as Promise<Record<string, number>>,
    cpu: () => ask('cpu') as Promise<NodeJS.CpuUsage>,
    flood: ({ users, rooms, count, gap = 0, prefix = '' }) => ask('flood', users, rooms, count, gap, prefix) as never,
    sayAll: async (room, lines, gap = 0) => {
      await ask('sayAll', room, lines, gap);
    },
    stop: async () => {
      child.stdin.end();
      await ended;
      lines.close();
    },
  };
}

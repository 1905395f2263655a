// Loaded into a bridge's process before it starts (`--import`): kills it, as `kill -9` does, at a named point of a message's
// journey. It wraps the libraries that every message passes (SQLite, undici, sockets), so the product knows nothing of it.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import Sqlite from 'better-sqlite3';
import type { Dispatcher } from 'undici';

export const points = {
  toNetwork: ['before commit', 'after commit', 'before line', 'after line', 'before record', 'after record'],
  toMatrix: ['before commit', 'after commit', 'before PUT', 'after PUT', 'answered', 'before record', 'after record'],
  // Of a ghost that is made for its first word: the homeserver has done this much.
  newcomer: ['registered', 'named', 'joined'],
} as const;
export type Way = keyof typeof points;
export type Point = { [Each in Way]: { readonly way: Each; readonly at: (typeof points)[Each][number] } }[Way];
/** Dies at the `nth` time from now. */
export type Plan = Point & { readonly nth: number };

/** The file that holds the plan; it is read anew, and answered for beside it, at every SIGUSR2. */
const planFile = process.env.CAUSEWAY_CRASH_PLAN;
/** How long a PUT that is to be under way has had to leave, ms: shorter than the homeserver's latency in such a test. */
const leaveMs = 10;

let plan: Plan | undefined;
let left = 0;

function passes(way: Way, at: Plan['at']): boolean {
  if (plan?.way !== way || plan.at !== at) return false;
  left -= 1;
  return left === 0;
}

function reach(way: Way, at: Plan['at']): void {
  if (passes(way, at)) die();
}

function die(): void {
  writeFileSync(`${planFile}.reached`, JSON.stringify(plan));
  process.kill(process.pid, 'SIGKILL');
}

function wrapStore(): void {
  const ways: readonly Way[] = ['toMatrix', 'toNetwork'];
  const directions = new Map<number, Way>();
  const taken = new Set<Way>();
  const recorded = new Set<Way>();
  const tell = (when: 'before' | 'after') => {
    for (const way of taken) reach(way, `${when} commit`);
    for (const way of recorded) reach(way, `${when} record`);
  };
  const wraps: readonly [RegExp, (run: (...given: unknown[]) => Sqlite.RunResult, given: unknown[]) => Sqlite.RunResult][] = [
    [
      /^INSERT INTO journal/,
      (run, given) => {
        const result = run(...given);
        const way = ways[Number(given[0])];
        if (way !== undefined) {
          directions.set(Number(result.lastInsertRowid), way);
          taken.add(way);
        }
        return result;
      },
    ],
    [
      /^DELETE FROM journal/,
      (run, given) => {
        const way = directions.get(Number(given[0]));
        if (way !== undefined) recorded.add(way);
        return run(...given);
      },
    ],
    [
      /^COMMIT$/,
      (run) => {
        tell('before');
        const result = run();
        tell('after');
        taken.clear();
        recorded.clear();
        return result;
      },
    ],
  ];
  const prepare = Sqlite.prototype.prepare;
  Sqlite.prototype.prepare = function (this: Sqlite.Database, sql: string) {
    const statement = prepare.call(this, sql);
    const wrap = wraps.find(([pattern]) => pattern.test(sql))?.[1];
    if (wrap === undefined) return statement;
    const run = statement.run.bind(statement) as (...given: unknown[]) => Sqlite.RunResult;
    return Object.defineProperty(statement, 'run', { value: (...given: unknown[]) => wrap(run, given) });
  } as typeof prepare;
}

const newcomerSteps: readonly (readonly [RegExp, (typeof points.newcomer)[number]])[] = [
  [/\/v3\/register/, 'registered'],
  [/\/displayname/, 'named'],
  [/\/v3\/join\/|\/state\/m\.room\.member\//, 'joined'],
];

function wrapHttp(): void {
  const Agent = createRequire(import.meta.url)('undici/lib/dispatcher/agent.js') as { prototype: Dispatcher };
  const dispatch = Agent.prototype.dispatch;
  Agent.prototype.dispatch = function (this: Dispatcher, options, handler) {
    const step = newcomerSteps.find(([pattern]) => pattern.test(options.path ?? ''))?.[1];
    const isMessage = options.path?.includes('/send/m.room.message/') ?? false;
    if (!isMessage && step === undefined) return dispatch.call(this, options, handler);
    if (isMessage) reach('toMatrix', 'before PUT');
    return dispatch.call(this, options, {
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context);
        if (isMessage && passes('toMatrix', 'after PUT')) setTimeout(die, leaveMs);
      },
      onResponseStart: (controller, status, headers, text) => handler.onResponseStart?.(controller, status, headers, text),
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd: (controller, trailers) => {
        if (step === undefined) reach('toMatrix', 'answered');
        else reach('newcomer', step);
        handler.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    });
  };
}

function wrapSockets(): void {
  const write = Socket.prototype.write as (...given: unknown[]) => boolean;
  const wrapped = function (this: Socket, ...given: unknown[]): boolean {
    const isLine = typeof given[0] === 'string' && given[0].includes('PRIVMSG #');
    if (isLine) reach('toNetwork', 'before line');
    const result = write.apply(this, given);
    if (isLine) reach('toNetwork', 'after line');
    return result;
  };
  Socket.prototype.write = wrapped as typeof Socket.prototype.write;
}

// The command line's other commands inherit the environment too.
if (planFile !== undefined && process.argv.includes('run')) {
  wrapStore();
  wrapHttp();
  wrapSockets();
  process.on('SIGUSR2', () => {
    plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
    left = plan.nth;
    writeFileSync(`${planFile}.armed`, '');
  });
}

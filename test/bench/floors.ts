// The floor of a run: what the same work costs with nothing of the bridge in it. Each floor runs in a process of its own, on
// the same machine in the same minutes, and prints one JSON line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Sqlite from 'better-sqlite3';
import { spawnFakeHomeserver } from '../support/fake-homeserver/remote.ts';
import { bareClient } from './bare-irc.ts';
import { rssOf } from './process-costs.ts';
import { quantile } from './report.ts';

/** CPU ms of one PUT through undici, ten in flight, warm. */
export async function putFloor(count = 20_000): Promise<number> {
  return (await onItsOwnStub((url, room) => run('puts', url, room, String(count)))).cpuMs;
}

/** PUTs a second to a homeserver that answers after `latency` ms, each sent when the one before was answered. */
export async function inTurnFloor(latency: number, count = 200): Promise<number> {
  return (await onItsOwnStub((url, room) => run('in-turn', url, room, String(count)), latency)).perSecond ?? Number.NaN;
}

/** CPU ms of one chat.postMessage through Slack's own library, ten in flight, warm. */
export async function slackCallFloor(apiUrl: string, channel: string, count = 2_000): Promise<number> {
  return (await run('posts', apiUrl, channel, String(count))).cpuMs;
}

export interface PacedFloor {
  readonly cpuMs: number;
  /** Median ms from the beginning of the commit to the answer of the PUT. */
  readonly p50: number;
}

/** One PUT and one commit of a row with synchronous=FULL, `pace` a second. */
export async function pacedFloor(folder: string, pace: number, seconds: number): Promise<PacedFloor> {
  const { cpuMs, p50 = Number.NaN } = await onItsOwnStub((url, room) => run('paced', url, room, folder, String(pace), String(seconds)));
  return { cpuMs, p50 };
}

interface Measured {
  readonly cpuMs: number;
  readonly p50?: number;
  readonly perSecond?: number;
}

// A stub of its own: what is said there is not pushed to the bridge under measurement.
async function onItsOwnStub(measure: (url: string, room: string) => Promise<Measured>, latency = 0): Promise<Measured> {
  const stub = await spawnFakeHomeserver({ asToken: 'as-token-of-the-bench', latency });
  try {
    return await measure(stub.url, await stub.call('createRoom', { creator: stub.bot, version: '11' }));
  } finally {
    await stub.stop();
  }
}

export interface BareCrowd {
  readonly pid: number;
  /** Bytes that its sockets hold, all together. */
  held(): number;
  stop(): Promise<void>;
}

/** Bare sockets in one channel, who hear what is said and do nothing with it; in when it resolves. */
export async function bareCrowd(port: number, channel: string, count: number, tls: boolean): Promise<BareCrowd> {
  const child = start('crowd', String(port), channel, String(count), String(tls));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const pid = child.pid ?? 0;
  const empty = rssOf(pid);
  child.stdin.write('\n');
  await lines.next();
  return {
    pid,
    held: () => rssOf(pid) - empty,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}

function start(...args: string[]) {
  return spawn(process.execPath, ['--expose-gc', import.meta.filename, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function run(...args: string[]): Promise<Measured> {
  const child = start(...args);
  const ended = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  await ended;
  return JSON.parse(String(line)) as Measured;
}

const body = (number: number) => JSON.stringify({ msgtype: 'm.text', body: `floor ${number}`, 'm.mentions': {} });

async function puts(url: string, room: string, count: number): Promise<Measured> {
  const put = await openPut(url, room);
  for (let number = 0; number < 2_000; number += 1) await put(`warm${number}`, number);
  const before = process.cpuUsage();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await put(`put${next}`, next);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  return { cpuMs: cpuSince(before) / count };
}

async function inTurn(url: string, room: string, count: number): Promise<Measured> {
  const put = await openPut(url, room);
  for (let number = 0; number < 20; number += 1) await put(`warm${number}`, number);
  const [before, began] = [process.cpuUsage(), performance.now()];
  for (let number = 0; number < count; number += 1) await put(`turn${number}`, number);
  return { cpuMs: cpuSince(before) / count, perSecond: (count / (performance.now() - began)) * 1_000 };
}

async function posts(apiUrl: string, channel: string, count: number): Promise<Measured> {
  const { LogLevel, WebClient } = await import('@slack/web-api');
  const client = new WebClient('xoxb-1', { slackApiUrl: apiUrl, retryConfig: { retries: 0 }, logLevel: LogLevel.ERROR });
  let next = 0;
  const worker = async (end: number) => {
    while (next < end) {
      next += 1;
      await client.chat.postMessage({ channel, text: `floor ${next}` });
    }
  };
  await Promise.all(Array.from({ length: 10 }, () => worker(300)));
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: 10 }, () => worker(300 + count)));
  return { cpuMs: cpuSince(before) / count };
}

async function paced(url: string, room: string, folder: string, pace: number, seconds: number): Promise<PacedFloor> {
  const put = await openPut(url, room);
  const path = join(folder, 'floor.db');
  const database = new Sqlite(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (name TEXT PRIMARY KEY, value TEXT)');
  const insert = database.prepare('INSERT INTO rows (name, value) VALUES (?, ?)');
  const text = 'x'.repeat(500);
  for (let number = 0; number < 500; number += 1) await put(`warm${number}`, number);
  const before = process.cpuUsage();
  const began = performance.now();
  const under: Promise<unknown>[] = [];
  const latencies: number[] = [];
  for (let number = 0; number < pace * seconds; number += 1) {
    const ahead = began + (number * 1_000) / pace - performance.now();
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
    const start = performance.now();
    insert.run(`${number}`, text);
    under.push(put(`paced${number}`, number).then(() => latencies.push(performance.now() - start)));
  }
  await Promise.all(under);
  const cpuMs = cpuSince(before) / (pace * seconds);
  database.close();
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  return { cpuMs, p50: quantile(latencies, 0.5) };
}

async function openPut(url: string, room: string) {
  const { Agent, request } = await import('undici');
  const dispatcher = new Agent({ connections: 10, pipelining: 1 });
  const tag = `${process.pid}`;
  return async (transaction: string, number: number) => {
    const path = `${url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${tag}${transaction}`;
    const headers = { authorization: 'Bearer as-token-of-the-bench', 'content-type': 'application/json' };
    const answer = await request(path, { dispatcher, method: 'PUT', headers, body: body(number) });
    await answer.body.dump();
  };
}

async function crowd(port: number, channel: string, count: number, tls: boolean): Promise<void> {
  // What a first socket brings in, and what loading left behind, is not the sockets'.
  await bareClient({ port, nick: 'bare', channels: [channel], tls });
  globalThis.gc?.();
  process.stdout.write('\n');
  await once(process.stdin, 'data');
  for (let from = 0; from < count; from += 250) {
    await Promise.all(
      Array.from({ length: Math.min(250, count - from) }, (_, number) =>
        bareClient({ port, nick: `bare${from + number}`, channels: [channel], tls }),
      ),
    );
  }
  globalThis.gc?.();
  process.stdout.write('\n');
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

// Ends with whoever started it, who holds the other end.
if (import.meta.main) process.stdin.on('end', () => process.exit(1)).resume();

const [what, first = '', second = '', ...rest] = process.argv.slice(2);
if (import.meta.main && what === 'crowd') {
  await crowd(Number(first), second, Number(rest[0]), rest[1] === 'true');
} else if (import.meta.main && what !== undefined) {
  const measures: Readonly<Record<string, () => Promise<Measured>>> = {
    puts: () => puts(first, second, Number(rest[0])),
    'in-turn': () => inTurn(first, second, Number(rest[0])),
    posts: () => posts(first, second, Number(rest[0])),
    paced: () => paced(first, second, rest[0] ?? '', Number(rest[1]), Number(rest[2])),
  };
  const figures = await measures[what]?.();
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}

// The fake homeserver as a process of its own: options as JSON in the first argument, its addresses as one JSON line on
// standard output, then told what to do over a small control port. Ends when its standard input does.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FakeHomeserver, startFakeHomeserver } from '../fake-homeserver.ts';

const fake = await startFakeHomeserver({ record: false, ...JSON.parse(process.argv[2] ?? '{}') });

/** What may be called from outside: every method whose arguments and result are plain data. */
const verbs: Record<string, (...given: never[]) => unknown> = {
  requests: () => fake.requests,
  counts: () => ({ ...fake.counts, ...fake.pusher.counts, waiting: fake.pusher.waiting }),
  cpu: () => process.cpuUsage(),
  /** `count` messages by the users in turn, spaced by `gap` ms; with no gap, all at once. Gives their ids in order. */
  flood: async (users: readonly string[], rooms: readonly string[], count: number, gap: number, prefix: string) => {
    const began = performance.now();
    const said: { id: string; at: number }[] = [];
    for (let number = 0; number < count; number += 1) {
      const ahead = began + number * gap - performance.now();
      if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      const user = users[number % users.length] as string;
      const room = rooms[number % rooms.length] as string;
      said.push({ at: performance.timeOrigin + performance.now(), id: fake.say(user, room, `${prefix}${number}`) });
    }
    return said;
  },
  /** The same for lines given one by one. */
  sayAll: async (room: string, lines: readonly { user: string; text: string }[], gap: number) => {
    const began = performance.now();
    for (const [number, { user, text }] of lines.entries()) {
      const ahead = began + number * gap - performance.now();
      if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      fake.say(user, room, text);
    }
  },
};

const control = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const { verb, given } = JSON.parse(Buffer.concat(chunks).toString()) as { verb: string; given: never[] };
      const own = verbs[verb];
      const method = fake[verb as keyof FakeHomeserver];
      if (own === undefined && typeof method !== 'function') throw new Error(`no verb ${verb}`);
      const result = await (own === undefined ? (method as (...given: never[]) => unknown).apply(fake, given) : own(...given));
      response.end(JSON.stringify({ result: result ?? null }));
    } catch (thrown) {
      response.end(JSON.stringify({ error: thrown instanceof Error ? thrown.message : String(thrown) }));
    }
  });
});
control.listen(0, '127.0.0.1', () => {
  const { port } = control.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: fake.url, control: `http://127.0.0.1:${port}`, bot: fake.bot })}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

// Whoever reports, stands by, is lost or returns, at whatever pace each socket is read: every line is reported once, in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { type Coverage, type Ear, Reporters } from '../../../bridges/irc/reporters.ts';
import { usualTiming } from '../../../bridges/irc/timing.ts';
import type { IrcLine } from '../../../bridges/irc/wire/connection.ts';
import { until } from '../../support/waiting.ts';

const line = (text: string, msgid: string | undefined): IrcLine => ({
  tags: msgid === undefined ? {} : { msgid },
  nick: 'zoe',
  user: 'z',
  host: 'z',
  command: 'PRIVMSG',
  params: ['#chan', text],
});

const named = ({ tags, params }: IrcLine) => `${params[1]}${tags.msgid === undefined ? '' : ` (${tags.msgid})`}`;

type Waiting = { readonly line: IrcLine } | { readonly arrive: true } | { readonly pong: () => void };

/** A session whose socket holds what the server sent until it is read. */
class SimulatedEar implements Ear {
  readonly isBot: boolean;
  readonly heardAt = 0;
  readonly socket: Waiting[] = [];
  isThere = false;
  isListening: boolean;

  constructor(isBot: boolean) {
    this.isBot = isBot;
    this.isListening = isBot;
  }

  listen(on: boolean): void {
    this.isListening = on || this.isBot;
  }

  fence(): Promise<void> {
    if (!this.isThere) return Promise.reject(new Error('lost'));
    return new Promise((pong) => this.socket.push({ pong }));
  }
}

/** A server with one channel, and our sessions in it. */
class Simulation {
  readonly ears: readonly SimulatedEar[];
  readonly said: string[] = [];
  /** With its id, where it has one. */
  readonly reported: string[] = [];
  readonly gaps: number[] = [];
  readonly reporters: Reporters;
  readonly coverage: Coverage;

  constructor(size: number) {
    this.ears = Array.from({ length: size }, (_, at) => new SimulatedEar(at === 0));
    this.reporters = new Reporters({
      timing: usualTiming,
      report: (_, reported) => void this.reported.push(named(reported)),
      bridgeGap: () => {
        this.gaps.push(this.said.length);
        return undefined;
      },
      handedOver: () => {},
    });
    this.coverage = this.reporters.watch('#chan');
  }

  say(text: string, hasId: boolean): void {
    const id = hasId ? `${this.said.length}` : undefined;
    const sent = line(text, id);
    this.said.push(named(sent));
    for (const ear of this.ears) if (ear.isThere) ear.socket.push({ line: sent });
  }

  async join(ear: SimulatedEar): Promise<void> {
    if (ear.isThere) return;
    ear.isThere = true;
    ear.socket.length = 0;
    ear.socket.push({ arrive: true });
  }

  async read(ear: SimulatedEar, count: number): Promise<void> {
    for (const next of ear.socket.splice(0, count)) {
      if ('arrive' in next) this.reporters.arrived(ear, '#chan');
      else if ('pong' in next) next.pong();
      // A quiet connection drops what others say before it is parsed.
      else if (ear.isListening) this.reporters.heard(ear, this.coverage, next.line);
      // Answers to a PING are acted on before the next line.
      if ('pong' in next) await setImmediate();
    }
  }

  lose(ear: SimulatedEar): void {
    if (!ear.isThere) return;
    ear.isThere = false;
    ear.socket.length = 0;
    this.reporters.departed(ear, '#chan');
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      for (const ear of this.ears) await this.read(ear, Number.POSITIVE_INFINITY);
      await setImmediate();
    }
  }
}

type Step =
  | { readonly do: 'say'; readonly text: number }
  | { readonly do: 'read'; readonly ear: number; readonly count: number }
  | { readonly do: 'join' | 'lose'; readonly ear: number };

const size = 3;
const ear = fc.integer({ min: 0, max: size - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), text: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), ear, count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'lose' as const), ear }) },
);

/** `areIn`: all sessions are there before anything else happens; otherwise they come in on the way. */
async function play(steps: readonly Step[], hasIds: boolean, areIn: boolean): Promise<Simulation> {
  const world = new Simulation(size);
  const [bot] = world.ears;
  if (bot === undefined) throw new RangeError('no bot');
  for (const each of areIn ? world.ears : []) {
    await world.join(each);
    await world.settle();
  }
  for (const each of steps) {
    switch (each.do) {
      case 'say':
        // Without ids two lines of the same words cannot be told apart while a session comes into step.
        world.say(hasIds ? `text ${each.text}` : `text ${world.said.length}`, hasIds);
        break;
      case 'read':
        await world.read(world.ears[each.ear] ?? bot, each.count);
        break;
      case 'join':
        await world.join(world.ears[each.ear] ?? bot);
        break;
      case 'lose':
        world.lose(world.ears[each.ear] ?? bot);
    }
    await setImmediate();
  }
  await world.join(bot);
  await world.settle();
  world.say('the end', hasIds);
  await world.settle();
  return world;
}

/** Those of `said` that were reported: each once, in the order of saying. */
function inOrderOf(said: readonly string[], reported: readonly string[]): string[] {
  const known = new Set(reported);
  return said.filter((text) => known.has(text));
}

for (const hasIds of [true, false]) {
  test(`every line once and in order or a gap told, whoever is lost and returns (${hasIds ? 'with' : 'without'} ids)`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
        const world = await play(steps, hasIds, true);
        if (world.gaps.length === 0) assert.deepEqual(world.reported, world.said);
        else assert.deepEqual(world.reported, inOrderOf(world.said, world.reported));
        assert.equal(world.coverage.reporter, world.ears[0], 'in the end the bot reports again');
      }),
      { numRuns: 300 },
    );
  });
}

test('sessions that come in at the same time, in whatever order they are read: no line before one that was said earlier', async () => {
  const coming: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('say' as const), text: fc.constant(0) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), ear, count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), ear }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(coming, { minLength: 4, maxLength: 40 }), async (steps) => {
      const world = await play(steps, true, false);
      assert.deepEqual(world.reported, inOrderOf(world.said, world.reported));
    }),
    { numRuns: 300 },
  );
});

test('a reporter on a dead socket is not waited for when the bot returns', async () => {
  const world = new Simulation(2);
  const reporters = new Reporters({
    timing: { ...usualTiming, handover: 30 },
    report: (_, reported) => void world.reported.push(reported.params[1] ?? ''),
    bridgeGap: () => undefined,
    handedOver: () => {},
  });
  const [bot, puppet] = [new SimulatedEar(true), new SimulatedEar(false)];
  const coverage = reporters.watch('#chan');
  bot.fence = async () => {};
  puppet.fence = () => new Promise(() => {});
  reporters.arrived(puppet, '#chan');
  reporters.arrived(bot, '#chan');
  reporters.heard(bot, coverage, line('only the bot hears', undefined));
  assert.deepEqual(world.reported, []);
  await until('the line', () => world.reported.length > 0);
  assert.deepEqual(world.reported, ['only the bot hears']);
});

test('a puppet on a dead socket goes on for nobody: the bot does, once it is back, and the gap is told once', async () => {
  const [reported, gaps] = [[] as string[], [] as Ear[]];
  const reporters = new Reporters({
    timing: { ...usualTiming, handover: 20 },
    report: (_, told) => void reported.push(named(told)),
    bridgeGap: (_, ear) => {
      gaps.push(ear);
      return undefined;
    },
    handedOver: () => {},
  });
  const [bot, puppet, dead] = [new SimulatedEar(true), new SimulatedEar(false), new SimulatedEar(false)];
  const coverage = reporters.watch('#chan');
  for (const ear of [bot, puppet]) ear.fence = async () => {};
  dead.fence = () => new Promise(() => {});
  reporters.arrived(puppet, '#chan');
  reporters.arrived(dead, '#chan');
  reporters.departed(puppet, '#chan');
  // Longer than it is waited for alone.
  await delay(60);
  assert.deepEqual([gaps, coverage.reporter], [[], undefined]);
  reporters.arrived(bot, '#chan');
  await until('the bot to report', () => coverage.reporter === bot);
  reporters.heard(bot, coverage, line('after', undefined));
  assert.deepEqual([reported, gaps], [['after'], [bot]]);
});

/** In the channel: a reporter that is lost now, and others, who answer a PING after so many ms or never. */
function afterALoss(...others: readonly (number | undefined)[]) {
  const reporters = new Reporters({
    timing: { ...usualTiming, handover: 20 },
    report: () => {},
    bridgeGap: () => undefined,
    handedOver: () => {},
  });
  const coverage = reporters.watch('#chan');
  const [lost, ...ears] = [0, ...others].map((ms) => {
    const made = new SimulatedEar(false);
    made.fence = () => (ms === undefined ? new Promise(() => {}) : delay(ms, undefined, { ref: false }));
    reporters.arrived(made, '#chan');
    return made;
  });
  if (lost === undefined) throw new RangeError('nobody');
  reporters.departed(lost, '#chan');
  return { coverage, ears };
}

test('where two are on dead sockets the third goes on', async () => {
  const { coverage, ears } = afterALoss(undefined, undefined, 0);
  await until('somebody to report', () => coverage.reporter !== undefined);
  assert.equal(coverage.reporter, ears[2]);
});

test('where the server answers all of them late, one of them goes on all the same', async () => {
  const { coverage, ears } = afterALoss(150, 150);
  await until('somebody to report', () => coverage.reporter !== undefined);
  assert.equal(ears.includes(coverage.reporter as SimulatedEar), true);
});

test('who has just begun to report tells the same words twice when they were said twice, also without ids', async () => {
  const world = new Simulation(1);
  const [bot] = world.ears;
  if (bot === undefined) throw new RangeError('no bot');
  await world.join(bot);
  world.say('yes', false);
  world.say('yes', false);
  await world.settle();
  assert.deepEqual(world.reported, ['yes', 'yes']);
});

test('only who has a duty listens', async () => {
  const world = new Simulation(3);
  const [bot, first, second] = world.ears;
  for (const each of world.ears) await world.join(each);
  await world.settle();
  assert.deepEqual([bot?.isListening, first?.isListening, second?.isListening], [true, true, false]);
  world.reporters.unwatch('#chan');
  assert.deepEqual([bot?.isListening, first?.isListening, second?.isListening], [true, false, false]);
});

/** Two sessions, of which the puppet fills from the history what nobody heard; `end` ends that. */
function filling() {
  const reported: string[] = [];
  const { promise, resolve: end } = Promise.withResolvers<void>();
  const ears = [new SimulatedEar(false), new SimulatedEar(true)] as const;
  for (const ear of ears) Object.assign(ear, { isThere: true, fence: async () => {} });
  const reporters = new Reporters({
    timing: usualTiming,
    report: (_, line) => void reported.push(line.params[1] ?? ''),
    bridgeGap: (_, ear) => (ear === ears[0] ? promise : undefined),
    handedOver: () => {},
  });
  const coverage = reporters.watch('#chan');
  coverage.lostAt = 1;
  reporters.arrived(ears[0], '#chan');
  return { reported, end, ears, reporters, coverage };
}

test('where the one that fills a gap is lost, the bot that came in meanwhile goes on', async () => {
  const { reported, end, ears, reporters, coverage } = filling();
  const [puppet, bot] = ears;
  reporters.arrived(bot, '#chan');
  reporters.departed(puppet, '#chan');
  end();
  await setImmediate();
  assert.equal(coverage.reporter, bot);
  reporters.heard(bot, coverage, line('said then', undefined));
  assert.deepEqual(reported, ['said then']);
});

test('a gap that is still being filled when the channel is let go of comes to nothing, also where it is watched anew', async () => {
  const { reported, end, ears, reporters, coverage } = filling();
  const [puppet] = ears;
  reporters.heard(puppet, coverage, line('said then', undefined));
  reporters.unwatch('#chan');
  const anew = reporters.watch('#chan');
  end();
  await setImmediate();
  assert.deepEqual([reported, coverage.reporter, anew.reporter, puppet.isListening], [[], undefined, undefined, false]);
});

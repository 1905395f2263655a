// `npm run quickstart`: a homeserver, an IRC server and the bridge on this machine, one line each way, then whatever crosses
// until Ctrl-C. What is done in which order stands in trial.ts; here are the words, the time limit and the end.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Crossing } from './crossings.ts';
import { readOptions } from './options.ts';
import { installPlaces } from './places.ts';
import { SetupError } from './servers/processes.ts';
import { Trial } from './trial.ts';

/** For all that waits for no person, installs left out. */
const timeLimit = 180_000;

const ending = new AbortController();
const ended = new Promise<never>((_, reject) => {
  ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true });
});
const undo: (() => Promise<void>)[] = [];
const began = performance.now();
let step = 'reading the options';
let trial: Trial | undefined;
let clock: NodeJS.Timeout | undefined;

/** Rejects with the signal's name on Ctrl-C. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  console.log('Causeway: a homeserver, an IRC server and the bridge between them. Ctrl-C stops everything.\n');
  step = 'installing the servers';
  await Promise.race([installPlaces(options, console.log), ended]);
  // Somebody may have to give the registration to a homeserver of their own first.
  if (options.once || !options.homeserver) startClock();

  const folder = await mkdtemp(join(tmpdir(), 'causeway-quickstart-'));
  undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  trial = new Trial(options, folder, {
    say: console.log,
    begin: (what) => {
      step = what;
    },
    done: (what) => console.log(`✓ ${((performance.now() - began) / 1_000).toFixed(1).padStart(5)} s  ${what}`),
    crossed: printCrossing,
    serversAnswer: startClock,
    undo,
    signal: ending.signal,
  });
  const howToJoin = await Promise.race([trial.run(), ended]);
  clearTimeout(clock);
  if (options.once) return;
  console.log(`\n${howToJoin}\n\nWhat crosses is shown here. Ctrl-C stops everything.\n`);
  await ended;
}

function startClock(): void {
  clock ??= setTimeout(() => ending.abort(new SetupError(`not done within ${timeLimit / 60_000} minutes`)), timeLimit);
}

function printCrossing({ to, who, text, ms }: Crossing): void {
  const way = to === 'IRC' ? 'Matrix → IRC' : 'IRC → Matrix';
  console.log(`${way}   ${who}: ${text}${ms === undefined ? '' : `   (${ms} ms)`}`);
}

/** Returns the exit code. */
function explain(thrown: unknown): number {
  if (typeof thrown === 'string') return 0;
  const isExpected = thrown instanceof SetupError;
  const reason = thrown instanceof Error ? (isExpected ? thrown.message : (thrown.stack ?? thrown.message)) : String(thrown);
  console.error(`\n✗ While ${step}: ${reason}`);
  const log = trial?.bridgeLog;
  if (log && !reason.includes(log)) console.error(`The last lines of the bridge's log:\n${log}`);
  return 1;
}

ended.catch(() => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // It may come twice: from the terminal, and from npm which passes it on.
    if (!ending.signal.aborted) console.log('\nStopping.');
    ending.abort(signal);
  });
}
const exitCode = await main().then(
  () => 0,
  (thrown: unknown) => explain(ending.signal.aborted ? ending.signal.reason : thrown),
);
for (const run of undo.splice(0).reverse()) {
  await run().catch((error: Error) => console.error(`Not everything could be stopped: ${error.message}`));
}
process.exit(exitCode);

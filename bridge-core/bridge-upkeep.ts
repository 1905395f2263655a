// What a running bridge does beside carrying messages: shows its figures to operators, and forgets what is old in slices,
// while nothing else is to be done.

import type { Adapter } from './adapter.ts';
import type { Logger } from './adapter-tools.ts';
import type { Brought } from './appservice/brought.ts';
import type { Homeserver } from './appservice/homeserver.ts';
import type { Transactions } from './appservice/transactions.ts';
import { type OldFigureParts, showOldFigures } from './bridge-old-figures.ts';
import { messageOf } from './errors.ts';
import type { MembershipQueue } from './membership/queue.ts';
import type { RoomLimits } from './membership/room-limits.ts';
import type { Health } from './observe/health.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Journal } from './pipeline/journal.ts';
import type { Relations } from './pipeline/relations.ts';
import { sideOf, states } from './pipeline/row.ts';
import type { Json } from './remote-event.ts';
import type { Store } from './store/store.ts';

const trimEvery = 60_000;
const slowCommit = 5;

const stateNames = ['waiting', 'begun', 'parked', 'dead'] as const;

export interface FigureParts<Body extends Json> extends OldFigureParts<Body> {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly adapter: Pick<Adapter<Body>, 'status'> & OldFigureParts<Body>['adapter'];
  readonly homeserver: Pick<Homeserver, 'load'>;
  readonly journal: Journal;
  readonly queue: MembershipQueue;
  readonly limits?: Pick<RoomLimits, 'counted'> | undefined;
}

/** Figures that stand, read when somebody scrapes. */
export function showFigures<Body extends Json>(parts: FigureParts<Body>): void {
  const { metrics, health, adapter, homeserver, journal, links, logins, queue, limits } = parts;
  // It reads the whole journal, which may be long just when it matters: once for all figures of a scrape.
  let read: { readonly at: number; readonly depth: ReturnType<Journal['depth']> } = { at: 0, depth: [] };
  const depth = () => {
    if (Date.now() - read.at > 1_000) read = { at: Date.now(), depth: journal.depth() };
    return read.depth;
  };
  metrics.gauge('journal_rows', () => depth().map((row) => [{ side: sideOf(row), state: stateNames[row.state] }, row.rows]));
  metrics.gauge('journal_oldest_seconds', () => oldestWaiting(depth()).map(([side, at]) => [{ side }, (Date.now() - at) / 1_000]));
  metrics.gauge('connections', () => adapter.status().map(({ network, state }) => [{ network, state }, 1]));
  metrics.gauge('sessions', () => adapter.status().map(({ network, sessions }) => [{ network }, sessions]));
  metrics.gauge('channels_unheard', () =>
    adapter.status().flatMap(({ network, unheard }) => (unheard === undefined ? [] : [[{ network }, unheard] as const])),
  );
  metrics.gauge('requests_in_flight', () => [[{}, homeserver.load().inFlight]]);
  metrics.gauge('requests_waiting', () => [[{}, homeserver.load().waiting]]);
  metrics.gauge('membership_queue', () => [[{}, queue.depth]]);
  metrics.gauge('membership_ghosts', () => (limits?.counted === undefined ? [] : [[{}, limits.counted]]));
  metrics.gauge('links', () => countBy(links.all().map(({ state }) => state)).map(([state, count]) => [{ state }, count]));
  metrics.gauge('logins', () =>
    countBy(logins.all().map(({ network, state }) => JSON.stringify([network, state === 'live' ? state : 'refused']))).map(
      ([key, count]) => {
        const [network, state] = JSON.parse(key) as [string, string];
        return [{ network, state }, count];
      },
    ),
  );
  showOldFigures<Body>(parts);
  for (const { network } of adapter.status()) {
    health.add(`network ${network}`, () => {
      const status = adapter.status().find((each) => each.network === network);
      return { ok: status?.state === 'up', detail: status?.detail ?? status?.note ?? status?.state ?? 'gone' };
    });
  }
}

/** Says once how long the disk takes for a commit: sockets go on meanwhile, but nothing is acknowledged before. */
export function tellCommitTime(store: Store, log: Logger): void {
  let isTold = false;
  store.onCommit((exact) => {
    if (isTold) return;
    isTold = true;
    const ms = Math.round(exact * 10) / 10;
    if (ms > slowCommit) log.warn({ ms }, 'the disk is slow: every message waits so long for it before it is acknowledged');
    else log.info({ ms }, 'a commit to disk takes');
  });
  store.writeSoon(() => store.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('measured', '')").run());
}

export interface UpkeepParts {
  readonly store: Store;
  readonly journal: Journal;
  readonly relations: Relations;
  readonly brought: Pick<Brought, 'trim'>;
  readonly transactions: Transactions;
  readonly log: Logger;
}

/** Returns what stops it. */
export function keepTidy(parts: UpkeepParts): () => void {
  const { store, journal, relations, brought, transactions, log } = parts;
  let minutes = 0;
  const timer = setInterval(() => {
    minutes += 1;
    const work = [
      store.write(() => {
        journal.trimSeen();
        journal.trimDead();
        relations.trim();
        brought.trim();
      }),
      ...(minutes % 60 === 1 ? [transactions.trim()] : []),
    ];
    Promise.all(work).catch((thrown) => log.warn({ why: messageOf(thrown) }, 'old records could not be removed'));
  }, trimEvery);
  timer.unref();
  return () => clearInterval(timer);
}

/** By side: rows that wait in several states have one oldest among them. */
function oldestWaiting(depth: ReturnType<Journal['depth']>): [string, number][] {
  const oldest = new Map<string, number>();
  for (const row of depth) {
    const side = sideOf(row);
    const { state, oldest: at } = row;
    if (state !== states.dead) oldest.set(side, Math.min(at, oldest.get(side) ?? at));
  }
  return [...oldest];
}

function countBy(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
}

// What Prometheus sees: one registry for the process, a `bridge` label on each figure. Figures that flow are counted where
// they happen, on series looked up once; figures that stand (depths, connections) are read when somebody scrapes. The
// metrics library loads after start; what is counted before waits for it.

import type { Counter, Histogram, Registry } from 'prom-client';
import { addOldNames, oldGauges } from './old-names.ts';

export type Side = 'matrix' | 'network';
export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

export interface Metrics {
  /** Events that came from `side` (`accepted`, `dropped`, …) or went to it (`delivered`, `dead`). */
  event(side: Side, outcome: string): void;
  /** How long a message towards `side` took for the stage, in ms. */
  stage(stage: 'received_journaled' | 'journaled_delivered' | 'journaled_dead', side: Side, ms: number): void;
  /** A commit of the store, in ms. */
  commit(ms: number): void;
  /** Any other count: `count('irc_reconnects', { network })` becomes causeway_irc_reconnects_total. */
  count(name: string, labels?: Labels, by?: number): void;
  /** A figure that stands, read at each scrape: `gauge('journal_rows', () => …)` becomes causeway_journal_rows; those of
   *  old-names.ts become bridge_…. */
  gauge(name: GaugeName, read: ReadSamples): void;
  /** No more of this bridge's standing figures. */
  close(): void;
}

/** Standing figures: what they mean, and the labels that their samples bear. */
const gauges = {
  journal_rows: ['Rows in the journal', 'side', 'state'],
  journal_oldest_seconds: ['Age of the oldest row that still waits', 'side'],
  channels_unheard: ['Channels that are to be listened to and of which nothing is heard yet', 'network'],
  membership_queue: ['Joins and leaves that wait'],
  membership_ghosts: ['Ghosts in rooms, where these are limited, as last looked at'],
  connections: ['Connections to networks', 'network', 'state'],
  requests_in_flight: ['Requests to the homeserver under way'],
  requests_waiting: ['Requests to the homeserver that wait for a free place'],
  sessions: ['Open sessions', 'network'],
  links: ['Links', 'state'],
  logins: ['Logins of people, live or refused by the network', 'network', 'state'],
} as const;
export type GaugeName = keyof typeof gauges | keyof typeof oldGauges;
type ReadSamples = () => Iterable<Sample> | Promise<Iterable<Sample>>;

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const stageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300];
const commitBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5];

/** Loading it costs 25 ms: not while the bridge starts. */
const loadAfter = 3_000;
/** So much is kept for it meanwhile; more is dropped. */
const mostEarly = 50_000;

type Readers = Map<GaugeName, ReadSamples>;
const bridges = new Map<string, Readers>();
const announced = new Map<string, () => boolean>();
let board: Board | undefined;
let loading: Promise<Board> | undefined;
const early: ((board: Board) => void)[] = [];

export function openMetrics(bridge: string): Metrics {
  const readers: Readers = new Map();
  bridges.set(bridge, readers);
  if (board === undefined) setTimeout(() => void load(), loadAfter).unref();

  const later = (act: (board: Board) => void): void => {
    if (board !== undefined) act(board);
    else if (early.length < mostEarly) early.push(act);
  };
  const counters = new Map<string, Counter.Internal>();
  const timers = new Map<string, Histogram.Internal<string>>();

  return {
    event: (side, outcome) => {
      const key = `${side}\u0000${outcome}`;
      const known = counters.get(key);
      if (known !== undefined) {
        known.inc();
        return;
      }
      later((ready) => {
        const child = counters.get(key) ?? ready.events.labels({ bridge, side, outcome });
        counters.set(key, child);
        child.inc();
      });
    },
    stage: (stage, side, ms) => {
      const key = `${stage}\u0000${side}`;
      const known = timers.get(key);
      if (known !== undefined) {
        known.observe(ms / 1000);
        return;
      }
      later((ready) => {
        const child = timers.get(key) ?? ready.stages.labels({ bridge, stage, side });
        timers.set(key, child);
        child.observe(ms / 1000);
      });
    },
    commit: (ms) => {
      const known = timers.get('commit');
      if (known !== undefined) {
        known.observe(ms / 1000);
        return;
      }
      later((ready) => {
        const child = timers.get('commit') ?? ready.commits.labels({ bridge });
        timers.set('commit', child);
        child.observe(ms / 1000);
      });
    },
    count: (name, labels = {}, by = 1) => later((ready) => ready.count(name, { bridge, ...labels }, by)),
    gauge: (name, read) => {
      readers.set(name, read);
    },
    close: () => {
      if (bridges.get(bridge) === readers) bridges.delete(bridge);
    },
  };
}

/** Of a bridge that there is to be, whether it runs or not; returns what takes that back. */
export function announceBridge(bridge: string, isUp: () => boolean): () => void {
  announced.set(bridge, isUp);
  return () => {
    if (announced.get(bridge) === isUp) announced.delete(bridge);
  };
}

/** The page that Prometheus reads. */
export async function renderMetrics(): Promise<string> {
  return (await load()).registry.metrics();
}

interface Board {
  readonly registry: Registry;
  readonly events: Counter<string>;
  readonly stages: Histogram<string>;
  readonly commits: Histogram<string>;
  count(name: string, labels: Labels, by: number): void;
}

function load(): Promise<Board> {
  loading ??= makeBoard().then((made) => {
    board = made;
    for (const act of early.splice(0)) act(made);
    return made;
  });
  return loading;
}

async function makeBoard(): Promise<Board> {
  const prometheus = await import('prom-client');
  const registry = new prometheus.Registry();
  const registers = [registry];
  const others = new Map<string, { counter: Counter<string>; labelNames: readonly string[] }>();
  const count = (name: string, labels: Labels, by: number): void => {
    const full = totalOf(name);
    let known = others.get(full);
    if (known === undefined) {
      const labelNames = Object.keys(labels);
      known = { labelNames, counter: new prometheus.Counter({ name: full, help: name.replaceAll('_', ' '), labelNames, registers }) };
      others.set(full, known);
    }
    // The first to count says which labels there are; the library throws at any other.
    known.counter.inc(Object.fromEntries(known.labelNames.map((label) => [label, labels[label] ?? ''])), by);
  };

  const addGauges = (prefix: string, named: Readonly<Record<string, readonly [help: string, ...labels: string[]]>>): void => {
    for (const [name, [help, ...labels]] of Object.entries(named)) {
      new prometheus.Gauge({
        name: `${prefix}_${name}`,
        help,
        labelNames: ['bridge', ...labels],
        registers,
        async collect() {
          const read = async ([bridge, readers]: [string, Readers]) => {
            try {
              return Array.from(
                (await readers.get(name as GaugeName)?.()) ?? [],
                ([given, value]) => [{ bridge, ...given }, value] as const,
              );
            } catch {
              // What one bridge cannot tell, as with a store that is gone, keeps back no figure of any other.
              count('figures_unread', { bridge, figure: name }, 1);
              return [];
            }
          };
          const samples = (await Promise.all(Array.from(bridges, read))).flat();
          this.reset();
          for (const [given, value] of samples) this.set(given, value);
        },
      });
    }
  };
  addGauges('causeway', gauges);
  addGauges('bridge', oldGauges);
  new prometheus.Gauge({
    name: 'causeway_up',
    help: 'Whether the bridge runs (1) or could not be started and is tried again (0)',
    labelNames: ['bridge'],
    registers,
    collect() {
      this.reset();
      for (const [bridge, isUp] of announced) this.set({ bridge }, isUp() ? 1 : 0);
    },
  });
  new prometheus.Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new prometheus.Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });

  const events = new prometheus.Counter({
    name: 'causeway_events_total',
    help: 'Events by side and outcome',
    labelNames: ['bridge', 'side', 'outcome'],
    registers,
  });
  const stages = new prometheus.Histogram({
    name: 'causeway_stage_seconds',
    help: 'Time from received to journaled, and from journaled to delivered or given up',
    labelNames: ['bridge', 'stage', 'side'],
    buckets: stageBuckets,
    registers,
  });
  addOldNames(registry, { events, stages, buckets: stageBuckets, counted: (name) => others.get(totalOf(name))?.counter });

  return {
    registry,
    events,
    stages,
    commits: new prometheus.Histogram({
      name: 'causeway_commit_seconds',
      help: 'Time of a commit to disk',
      labelNames: ['bridge'],
      buckets: commitBuckets,
      registers,
    }),
    count,
  };
}

const totalOf = (name: string): string => `causeway_${name.replace(/\W/g, '_')}_total`;

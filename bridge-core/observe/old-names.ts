// The figures of the bridge library that older bridges stand on, under its names, so that dashboards and alarms live on. Those
// that flow are read off our own at each scrape, not counted twice; each bears our `bridge` label beside the old ones.

import type { Counter, Histogram, Registry } from 'prom-client';

/** Standing figures under old names: what they mean, and the labels that their samples bear. */
export const oldGauges = {
  active_users: ['People whose words were carried within 30 days, of the network or of Matrix', 'remote', 'team_id'],
  active_rooms: ['Channels and chats with words carried within 30 days', 'team_id', 'type'],
  remote_puppets: ['Accounts that people are logged in with', 'team_id'],
  remote_monthly_active_users: ['People of the networks whose words were carried within 30 days'],
  blocked: ['1 while nothing is carried because of the limit of active people'],
  matrix_configured_rooms: ['Rooms with a live link'],
  remote_configured_rooms: ['Channels with a live link'],
  matrix_ghosts: ['Matrix users that stand for people of the networks'],
  matrix_rooms_by_age: ['Rooms by when words were carried there last', 'age'],
  remote_rooms_by_age: ['Channels by when words were carried there last', 'age'],
  matrix_users_by_age: ['People of Matrix by when words of theirs were carried last', 'age'],
  remote_users_by_age: ['People of the networks by when words of theirs were carried last', 'age'],
} as const;

interface Sample {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
  readonly metricName?: string;
}

export interface OwnFigures {
  readonly events: Pick<Counter<string>, 'get'>;
  readonly stages: Pick<Histogram<string>, 'get'>;
  readonly buckets: readonly number[];
  /** A count of an adapter's, by its name; undefined as long as nothing was counted. */
  counted(name: string): Pick<Counter<string>, 'get'> | undefined;
}

const counts = {
  remote_api_calls: 'Calls of the networks, by method',
  oauth_session_result: 'How logins by way of a network’s own page ended',
};
const requests = {
  matrix: { help: 'Processing time of what came from Matrix', origin: 'matrix', target: 'network' },
  remote: { help: 'Processing time of what came from the networks', origin: 'network', target: 'matrix' },
} as const;
const outcomes = { journaled_delivered: 'success', journaled_dead: 'fail' } as const;

export function addOldNames(registry: Registry, own: OwnFigures): void {
  const add = (name: string, type: 'counter' | 'histogram', help: string, read: (name: string) => Promise<Sample[]>): void => {
    const full = `bridge_${name}`;
    const metric = { name: full, help, type, get: async () => ({ name: full, help, type, values: await read(full) }) };
    // The library asks a metric for no more than this.
    registry.registerMetric(metric as unknown as Counter<string>);
  };
  const sums = async (wanted: readonly string[]) => sumOf((await own.events.get()).values, wanted);

  add('received_messages', 'counter', 'Events that came from a side', () => sums(['accepted', 'dropped']));
  add('sent_messages', 'counter', 'Events that went to a side', () => sums(['delivered']));
  for (const [name, help] of Object.entries(counts)) add(name, 'counter', help, async () => (await own.counted(name)?.get())?.values ?? []);
  for (const [name, { help, origin, target }] of Object.entries(requests)) {
    add(`${name}_request_seconds`, 'histogram', help, async (full) => [
      ...(await own.stages.get()).values.flatMap((sample) => renamed(sample, target, full)),
      ...(await own.events.get()).values.flatMap((sample) => droppedOf(sample, origin, full, own.buckets)),
    ]);
  }
}

/** By bridge and side, the latter as the old names call it. */
function sumOf(samples: readonly Sample[], wanted: readonly string[]): Sample[] {
  const found = new Map<string, Sample>();
  for (const { labels, value } of samples) {
    if (!wanted.includes(String(labels.outcome))) continue;
    const { bridge } = labels;
    const side = labels.side === 'network' ? 'remote' : 'matrix';
    const key = `${bridge} ${side}`;
    found.set(key, { labels: { bridge, side }, value: value + (found.get(key)?.value ?? 0) });
  }
  return [...found.values()];
}

function renamed({ labels, value, metricName = '' }: Sample, target: string, full: string): Sample[] {
  const { bridge, stage, side, le } = labels;
  if (side !== target || !isOutcome(stage)) return [];
  const metric = `${full}${/_(?:bucket|sum|count)$/.exec(metricName)?.[0] ?? ''}`;
  return [{ labels: { ...(le !== undefined && { le }), bridge, outcome: outcomes[stage] }, value, metricName: metric }];
}

const isOutcome = (stage: unknown): stage is keyof typeof outcomes => typeof stage === 'string' && stage in outcomes;

/** What is not for the bridge is dropped as it comes: it takes no time. */
function droppedOf({ labels, value }: Sample, origin: string, full: string, buckets: readonly number[]): Sample[] {
  if (labels.side !== origin || labels.outcome !== 'dropped') return [];
  const common = { bridge: labels.bridge, outcome: 'dropped' };
  return [
    ...[...buckets, '+Inf'].map((le) => ({ labels: { le, ...common }, value, metricName: `${full}_bucket` })),
    { labels: common, value: 0, metricName: `${full}_sum` },
    { labels: common, value, metricName: `${full}_count` },
  ];
}

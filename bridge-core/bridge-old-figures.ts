// The standing figures that dashboards of older bridges ask for: who and what was active, how much there is.

import type { Adapter } from './adapter.ts';
import type { Metrics, Sample } from './observe/metrics.ts';
import { Activity, type LinkActivity } from './pipeline/activity.ts';
import { described } from './plumbing/described.ts';
import type { Link, Links } from './plumbing/links.ts';
import type { Json } from './remote-event.ts';
import type { Store } from './store/store.ts';
import type { KnownLogin } from './virtual-users/logins.ts';

const ages = { '1h': 3_600_000, '1d': 86_400_000, '7d': 7 * 86_400_000 };

export interface OldFigureParts<Body extends Json> {
  readonly metrics: Pick<Metrics, 'gauge'>;
  readonly adapter: Pick<Adapter<Body>, 'logins'> & { readonly channels: Pick<Adapter<Body>['channels'], 'describe'> };
  readonly store: Pick<Store, 'prepare'>;
  readonly links: Pick<Links, 'all' | 'get'>;
  readonly logins: { all(): readonly KnownLogin[] };
}

type Spoken = readonly [link: Link, activity: LinkActivity];

export function showOldFigures<Body extends Json>({ metrics, adapter, store, links, logins }: OldFigureParts<Body>): void {
  const { gauge } = metrics;
  const activity = new Activity({ store });
  const spoken = async (): Promise<Spoken[]> =>
    Array.from(await activity.recent()).flatMap(([id, known]): Spoken[] => {
      const link = links.get(id);
      return link === undefined ? [] : [[link, known]];
    });
  const live = () => links.all().filter(({ state }) => state === 'live');

  gauge('active_users', async () => {
    const counted = new Counted();
    for (const [link, { matrix, remote }] of await spoken()) {
      const team_id = described(adapter.channels, link.channel).network?.id ?? '';
      for (const id of matrix.keys()) counted.add({ remote: 'false', team_id }, id);
      for (const id of remote.keys()) counted.add({ remote: 'true', team_id }, id);
    }
    return counted.samples();
  });
  gauge('active_rooms', async () => {
    const counted = new Counted();
    for (const [{ channel }] of await spoken()) {
      const { network, kind } = described(adapter.channels, channel);
      counted.add({ team_id: network?.id ?? '', type: kind === 'direct' || kind === 'group' ? 'user' : 'channel' }, channel);
    }
    return counted.samples();
  });
  gauge('remote_monthly_active_users', async () => [[{}, new Set((await spoken()).flatMap(([, { remote }]) => [...remote.keys()])).size]]);
  gauge('matrix_rooms_by_age', async () => byAge((await spoken()).map(([{ room }, { last }]) => [room, last])));
  gauge('remote_rooms_by_age', async () => byAge((await spoken()).map(([{ channel }, { last }]) => [channel, last])));
  gauge('matrix_users_by_age', async () => byAge((await spoken()).flatMap(([, { matrix }]) => [...matrix])));
  gauge('remote_users_by_age', async () => byAge((await spoken()).flatMap(([, { remote }]) => [...remote])));
  gauge('matrix_configured_rooms', () => [[{}, new Set(live().map(({ room }) => room)).size]]);
  gauge('remote_configured_rooms', () => [[{}, new Set(live().map(({ channel }) => channel)).size]]);
  gauge('matrix_ghosts', () => [[{}, store.prepare<{ n: number }>('SELECT count(*) AS n FROM ghosts').get()?.n ?? 0]]);
  if (adapter.logins.length > 0)
    gauge('remote_puppets', () => {
      const counted = new Counted();
      for (const { network, state, account } of logins.all()) if (state === 'live') counted.add({ team_id: network }, account);
      return counted.samples();
    });
}

/** Of each set of labels, how many different ones there are. */
class Counted {
  readonly #sets = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly ids: Set<string> }>();

  add(labels: Readonly<Record<string, string>>, id: string): void {
    const key = JSON.stringify(labels);
    const known = this.#sets.get(key) ?? { labels, ids: new Set() };
    this.#sets.set(key, known);
    known.ids.add(id);
  }

  samples(): Sample[] {
    return Array.from(this.#sets.values(), ({ labels, ids }) => [labels, ids.size] as const);
  }
}

/** Each age holds the younger ones too. */
function byAge(found: readonly (readonly [id: string, last: number])[]): Sample[] {
  const now = Date.now();
  return Object.entries(ages).map(([age, ms]) => [{ age }, new Set(found.filter(([, last]) => now - last < ms).map(([id]) => id)).size]);
}

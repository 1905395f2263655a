// What our own sessions did, so that it is not taken for somebody's when Slack tells of it. Posts bear a mark of ours, or come from
// our app; what can bear none (a reaction, a file, a topic) is expected before it is done, or waited for until it is known.

import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';

/** The `event_type` of our posts' metadata; its payload holds the key of what was sent. */
export const markType = 'causeway';

/** ms: what Slack has not told by then, it tells no more. */
const expectedFor = 120_000;
const mostKept = 5_000;

export function keyIn(message: Fields | undefined): string | undefined {
  const metadata = fieldsIn(message, 'metadata');
  return textIn(metadata, 'event_type') === markType ? textIn(fieldsIn(metadata, 'event_payload'), 'key') : undefined;
}

export class OwnActs {
  readonly #expected = new Map<string, { count: number; until: number }>();
  readonly #posts = new Set<string>();
  readonly #files = new Set<string>();
  /** Posts under way that bear no mark, by who makes them and where. */
  readonly #underWay = new Map<string, Set<Promise<void>>>();

  /** Say so before it is done; the returned function takes it back where it was refused. */
  expect(name: string): () => void {
    const now = Date.now();
    for (const [old, { until }] of this.#expected) {
      if (until > now) break;
      this.#expected.delete(old);
    }
    const count = (this.#expected.get(name)?.count ?? 0) + 1;
    this.#expected.delete(name);
    this.#expected.set(name, { count, until: now + expectedFor });
    return () => void this.take(name);
  }

  /** True once for each expectation. */
  take(name: string): boolean {
    const found = this.#expected.get(name);
    if (found === undefined) return false;
    found.count -= 1;
    if (found.count === 0) this.#expected.delete(name);
    return found.until > Date.now();
  }

  isExpected(name: string): boolean {
    return (this.#expected.get(name)?.until ?? 0) > Date.now();
  }

  /** A post without a mark: told apart by its id, which is known only once Slack answers. */
  async unmarked(user: string, channel: string, post: () => Promise<string | undefined>): Promise<string | undefined> {
    const place = `${user} ${channel}`;
    const underWay = this.#underWay.get(place) ?? new Set();
    this.#underWay.set(place, underWay);
    const { promise, resolve } = Promise.withResolvers<void>();
    underWay.add(promise);
    try {
      const ts = await post();
      if (ts !== undefined) this.posted(channel, ts);
      return ts;
    } finally {
      underWay.delete(promise);
      if (underWay.size === 0) this.#underWay.delete(place);
      resolve();
    }
  }

  /** Undefined: nothing is under way that this message could be. */
  settled(user: string, channel: string): Promise<unknown> | undefined {
    const underWay = this.#underWay.get(`${user} ${channel}`);
    return underWay === undefined ? undefined : Promise.all(underWay);
  }

  posted(channel: string, ts: string): void {
    keep(this.#posts, `${channel} ${ts}`);
  }

  isPosted(channel: string, ts: string): boolean {
    return this.#posts.has(`${channel} ${ts}`);
  }

  uploads(file: string): void {
    keep(this.#files, file);
  }

  bearsOurFile(message: Fields): boolean {
    return this.#files.size > 0 && listIn(message, 'files').some((file) => this.#files.has(textIn(file, 'id') ?? ''));
  }
}

function keep(set: Set<string>, name: string): void {
  set.add(name);
  const [oldest] = set;
  if (set.size > mostKept && oldest !== undefined) set.delete(oldest);
}

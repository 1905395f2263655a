// The token of a whole organisation on calls that are about one workspace: lists are read from one workspace after the other, behind one
// cursor; what is found in one only is looked for in each. Which there are is asked now and then.

import { isRefusal } from './faults.ts';
import type { Arguments, CallOptions, Method, Replies } from './methods.ts';

export type Call = <M extends Method>(method: M, args: Arguments, options?: CallOptions) => Promise<Replies[M]>;

/** ms */
const knownFor = 10 * 60_000;
const paged: ReadonlySet<string> = new Set(['conversations.list', 'users.conversations', 'users.list']);

export class Organisation {
  readonly #call: Call;
  #workspaces: { readonly ids: Promise<readonly string[]>; readonly until: number } | undefined;

  constructor(parts: { readonly call: Call }) {
    this.#call = parts.call;
  }

  async ask<M extends Method>(method: M, args: Arguments, options?: CallOptions): Promise<Replies[M]> {
    const ids = await this.#known(options);
    if (ids.length === 0) return await this.#call(method, args, options);
    if (paged.has(method)) return await this.#page(ids, method, args, options);
    return method === 'usergroups.list' ? await this.#groups(ids, method, args, options) : await this.#find(ids, method, args, options);
  }

  /** `T0002:dXNlcjpVMEc5V0ZYTlo=`; without a cursor of Slack's: from its beginning. */
  async #page<M extends Method>(ids: readonly string[], method: M, args: Arguments, options?: CallOptions): Promise<Replies[M]> {
    const { cursor: given, ...rest } = args;
    const [of = '', ...more] = typeof given === 'string' ? given.split(':') : [];
    const at = Math.max(0, ids.indexOf(of));
    const cursor = ids[at] === of ? more.join(':') : '';
    const page = await this.#call(method, { ...rest, team_id: ids[at], ...(cursor !== '' && { cursor }) }, options);
    const next = (page as Paged).response_metadata?.next_cursor ?? '';
    const following = ids[at + 1];
    const then = next !== '' ? `${ids[at]}:${next}` : following === undefined ? '' : `${following}:`;
    return { ...page, response_metadata: { ...(page as Paged).response_metadata, next_cursor: then } };
  }

  async #groups<M extends Method>(ids: readonly string[], method: M, args: Arguments, options?: CallOptions): Promise<Replies[M]> {
    const found: unknown[] = [];
    let last: Replies[M] | undefined;
    for (const id of ids) {
      last = await this.#call(method, { ...args, team_id: id }, options);
      found.push(...((last as { usergroups?: unknown[] }).usergroups ?? []));
    }
    return { ...last, usergroups: found } as Replies[M];
  }

  async #find<M extends Method>(ids: readonly string[], method: M, args: Arguments, options?: CallOptions): Promise<Replies[M]> {
    let refusal: unknown;
    for (const id of ids) {
      try {
        return await this.#call(method, { ...args, team_id: id }, options);
      } catch (thrown) {
        if (!isRefusal(thrown, 'bot_not_found', 'team_access_not_granted')) throw thrown;
        refusal = thrown;
      }
    }
    throw refusal;
  }

  /** None: it is not told. */
  async #known(options: CallOptions | undefined): Promise<readonly string[]> {
    const now = Date.now();
    if (this.#workspaces === undefined || this.#workspaces.until < now)
      this.#workspaces = { ids: this.#list(options), until: now + knownFor };
    const asked = this.#workspaces;
    return await asked.ids.catch((thrown) => {
      if (this.#workspaces === asked) this.#workspaces = undefined;
      if (isRefusal(thrown)) return [];
      throw thrown;
    });
  }

  async #list(options: CallOptions | undefined): Promise<readonly string[]> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#call('auth.teams.list', { limit: 200, ...(cursor !== undefined && { cursor }) }, options);
      ids.push(...(page.teams ?? []).flatMap(({ id }) => (id === undefined ? [] : [id])));
      cursor = page.response_metadata?.next_cursor;
    } while (cursor !== undefined && cursor !== '');
    return ids.sort();
  }
}

interface Paged {
  readonly response_metadata?: { readonly next_cursor?: string };
}

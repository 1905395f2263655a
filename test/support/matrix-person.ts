// A person on Matrix, by plain client-server calls against a real homeserver, who syncs and writes down what comes.

import { setTimeout as delay } from 'node:timers/promises';
import { patience, wait } from './waiting.ts';

export interface RoomEvent {
  readonly room: string;
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is there.
  readonly content: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is there.
  readonly unsigned?: any;
  readonly redacts?: string;
  /** `performance.now()` when the sync brought it. */
  readonly at: number;
}

export interface RoomOptions {
  readonly name?: string;
  readonly version?: string;
  /** Localpart of an alias. */
  readonly alias?: string;
  readonly invite?: readonly string[];
  /** Anybody may join unless false. */
  readonly isPublic?: boolean;
  readonly isDirect?: boolean;
  readonly isEncrypted?: boolean;
  readonly powerLevels?: object;
  readonly state?: readonly { readonly type: string; readonly state_key?: string; readonly content: object }[];
}

interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<
      string,
      {
        timeline?: { events: Omit<RoomEvent, 'room' | 'at'>[] };
        state?: { events: Omit<RoomEvent, 'room' | 'at'>[] };
        ephemeral?: { events: { type: string; content: { user_ids?: string[] } }[] };
      }
    >;
    readonly invite?: Record<string, { invite_state?: { events: Omit<RoomEvent, 'room' | 'at'>[] } }>;
  };
}

export class MatrixError extends Error {
  readonly status: number;
  readonly errcode: string;
  constructor(status: number, errcode: string, what: string) {
    super(`${what}: ${status} ${errcode}`);
    this.status = status;
    this.errcode = errcode;
  }
}

let transactions = 0;

export class MatrixPerson {
  readonly url: string;
  readonly userId: string;
  readonly accessToken: string;
  readonly password: string;
  /** Every event of the timelines, in the order in which the sync brought them. */
  readonly heard: RoomEvent[] = [];
  /** Rooms to which we are invited, with who invites. */
  readonly invites = new Map<string, string>();
  readonly #heardIds = new Set<string>();
  readonly #typing = new Map<string, readonly string[]>();
  readonly #waiting = new Set<() => void>();
  readonly #ending = new AbortController();
  #syncing: Promise<void> | undefined;

  constructor(options: { readonly url: string; readonly userId: string; readonly accessToken: string; readonly password?: string }) {
    this.url = options.url;
    this.userId = options.userId;
    this.accessToken = options.accessToken;
    this.password = options.password ?? '';
  }

  /** Syncs from now on, over restarts of the homeserver too, until `stop()`. Resolves once the first sync is in. */
  async sync(): Promise<this> {
    const first = await this.#syncOnce(undefined);
    this.#syncing = this.#syncOn(first);
    return this;
  }

  get hasStopped(): boolean {
    return this.#ending.signal.aborted;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#syncing;
  }

  // — rooms

  async createRoom(options: RoomOptions = {}): Promise<string> {
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    const made = await this.call<{ room_id: string }>('POST', '/v3/createRoom', {
      preset: options.isPublic === false ? 'private_chat' : 'public_chat',
      name: options.name,
      room_version: options.version,
      room_alias_name: options.alias,
      invite: options.invite,
      is_direct: options.isDirect,
      power_level_content_override: options.powerLevels,
      initial_state: [...(options.state ?? []), ...(options.isEncrypted ? [encryption] : [])],
    });
    return made.room_id;
  }

  async join(roomOrAlias: string): Promise<string> {
    return (await this.call<{ room_id: string }>('POST', `/v3/join/${encodeURIComponent(roomOrAlias)}`, {})).room_id;
  }

  async leave(room: string): Promise<void> {
    await this.call('POST', `/v3/rooms/${encodeURIComponent(room)}/leave`, {});
  }

  async invite(room: string, user: string): Promise<void> {
    await this.call('POST', `/v3/rooms/${encodeURIComponent(room)}/invite`, { user_id: user });
  }

  async kick(room: string, user: string, reason?: string): Promise<void> {
    await this.call('POST', `/v3/rooms/${encodeURIComponent(room)}/kick`, { user_id: user, reason });
  }

  async ban(room: string, user: string, reason?: string): Promise<void> {
    await this.call('POST', `/v3/rooms/${encodeURIComponent(room)}/ban`, { user_id: user, reason });
  }

  async upgrade(room: string, version: string): Promise<string> {
    const path = `/v3/rooms/${encodeURIComponent(room)}/upgrade`;
    return (await this.call<{ replacement_room: string }>('POST', path, { new_version: version })).replacement_room;
  }

  async setState(room: string, type: string, content: object, key = ''): Promise<string> {
    const path = `/v3/rooms/${encodeURIComponent(room)}/state/${encodeURIComponent(type)}/${encodeURIComponent(key)}`;
    return (await this.call<{ event_id: string }>('PUT', path, content)).event_id;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is there.
  async state(room: string, type: string, key = ''): Promise<any> {
    const path = `/v3/rooms/${encodeURIComponent(room)}/state/${encodeURIComponent(type)}/${encodeURIComponent(key)}`;
    return this.call('GET', path).catch((error: unknown) => {
      if (error instanceof MatrixError && error.status === 404) return undefined;
      throw error;
    });
  }

  /** Joined people and their display names. */
  async members(room: string): Promise<Map<string, string>> {
    const path = `/v3/rooms/${encodeURIComponent(room)}/joined_members`;
    const { joined } = await this.call<{ joined: Record<string, { display_name?: string }> }>('GET', path);
    return new Map(Object.entries(joined).map(([user, { display_name }]) => [user, display_name ?? '']));
  }

  /** The homeserver's own record, oldest first: what was heard may lack what came while we did not sync. */
  async history(room: string, limit = 1_000): Promise<RoomEvent[]> {
    const events: RoomEvent[] = [];
    for (let from = ''; events.length < limit; ) {
      const path = `/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=${Math.min(limit, 500)}${from}`;
      const page = await this.call<{ chunk: RoomEvent[]; end?: string }>('GET', path);
      events.push(...page.chunk.map((event) => ({ ...event, room })));
      if (!page.end) break;
      from = `&from=${encodeURIComponent(page.end)}`;
    }
    return events.slice(0, limit).reverse();
  }

  // — saying; each resolves with the event's id

  async send(room: string, type: string, content: object): Promise<string> {
    transactions += 1;
    const path = `/v3/rooms/${encodeURIComponent(room)}/send/${encodeURIComponent(type)}/${process.pid}-${transactions}`;
    return (await this.call<{ event_id: string }>('PUT', path, content)).event_id;
  }

  say(room: string, body: string, more: object = {}): Promise<string> {
    return this.send(room, 'm.room.message', { msgtype: 'm.text', body, ...more });
  }

  sayHtml(room: string, html: string, body: string, more: object = {}): Promise<string> {
    return this.say(room, body, { format: 'org.matrix.custom.html', formatted_body: html, ...more });
  }

  emote(room: string, body: string): Promise<string> {
    return this.say(room, body, { msgtype: 'm.emote' });
  }

  notice(room: string, body: string): Promise<string> {
    return this.say(room, body, { msgtype: 'm.notice' });
  }

  edit(room: string, target: string, body: string): Promise<string> {
    const fresh = { msgtype: 'm.text', body };
    return this.say(room, `* ${body}`, { 'm.new_content': fresh, 'm.relates_to': { rel_type: 'm.replace', event_id: target } });
  }

  reply(room: string, target: string, body: string): Promise<string> {
    return this.say(room, body, { 'm.relates_to': { 'm.in_reply_to': { event_id: target } } });
  }

  react(room: string, target: string, emoji: string): Promise<string> {
    return this.send(room, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: emoji } });
  }

  async redact(room: string, target: string, reason?: string): Promise<string> {
    transactions += 1;
    const path = `/v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(target)}/${process.pid}-${transactions}`;
    return (await this.call<{ event_id: string }>('PUT', path, { reason })).event_id;
  }

  /** Resolves with the mxc address. */
  async upload(bytes: Uint8Array, name: string, type: string): Promise<string> {
    const url = `${this.url}/_matrix/media/v3/upload?filename=${encodeURIComponent(name)}`;
    const headers = { authorization: `Bearer ${this.accessToken}`, 'content-type': type };
    const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(bytes) });
    return (await this.#read<{ content_uri: string }>(answer, 'upload')).content_uri;
  }

  async sendFile(room: string, bytes: Uint8Array, name: string, type: string, more: object = {}): Promise<string> {
    const url = await this.upload(bytes, name, type);
    const msgtype = type.startsWith('image/') ? 'm.image' : 'm.file';
    return this.say(room, name, { msgtype, filename: name, url, info: { mimetype: type, size: bytes.length }, ...more });
  }

  async setDisplayName(displayname: string): Promise<void> {
    await this.call('PUT', `/v3/profile/${encodeURIComponent(this.userId)}/displayname`, { displayname });
  }

  async setAvatar(avatar_url: string): Promise<void> {
    await this.call('PUT', `/v3/profile/${encodeURIComponent(this.userId)}/avatar_url`, { avatar_url });
  }

  async typing(room: string, typing: boolean): Promise<void> {
    await this.call('PUT', `/v3/rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(this.userId)}`, { typing, timeout: 10_000 });
  }

  async markRead(room: string, event: string): Promise<void> {
    await this.call('POST', `/v3/rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(event)}`, {});
  }

  // — hearing

  /** Who types there now. */
  typingIn(room: string): readonly string[] {
    return this.#typing.get(room) ?? [];
  }

  /** Calls `take` for every event from now on. */
  listen(take: (event: RoomEvent) => void): void {
    let next = this.heard.length;
    this.#waiting.add(() => {
      for (; next < this.heard.length; next += 1) take(this.heard[next] as RoomEvent);
    });
  }

  /** How much has been heard: given to a search as `since`, only later events count. */
  mark(): number {
    return this.heard.length;
  }

  /** The first event that fits, already heard or yet to come. */
  waitFor(fits: (event: RoomEvent) => boolean, search: { readonly since?: number; readonly timeout?: number } = {}): Promise<RoomEvent> {
    let next = search.since ?? 0;
    return wait({
      find: () => {
        for (; next < this.heard.length; next += 1) {
          const event = this.heard[next];
          if (event && fits(event)) return event;
        }
        return undefined;
      },
      listeners: this.#waiting,
      timeout: search.timeout ?? patience,
      failure: () => `${this.userId} did not hear it in time. Last events heard:\n${this.#lastEvents()}`,
    });
  }

  /** The first message in the room whose body is, or matches, `text`. */
  waitForText(
    room: string,
    text: string | RegExp,
    search: { readonly since?: number; readonly timeout?: number } = {},
  ): Promise<RoomEvent> {
    return this.waitFor(
      ({ room: where, type, content }) =>
        where === room && type === 'm.room.message' && (typeof text === 'string' ? content.body === text : text.test(content.body ?? '')),
      search,
    );
  }

  /** Resolves with the room's id. */
  async waitForInvite(from?: string, timeout = patience): Promise<string> {
    return wait({
      find: () => [...this.invites].find(([, who]) => from === undefined || who === from)?.[0],
      listeners: this.#waiting,
      timeout,
      failure: () => `${this.userId} was not invited in time. Invites: ${JSON.stringify([...this.invites])}`,
    });
  }

  /** Messages of others heard in a room. */
  messages(room: string): RoomEvent[] {
    return this.heard.filter((event) => event.room === room && event.type === 'm.room.message' && event.sender !== this.userId);
  }

  /** Any client-server call, for what has no verb here. `path` begins after `/_matrix/client`. */
  async call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.accessToken}`, 'content-type': 'application/json' };
    const url = `${this.url}/_matrix/client${path}`;
    const answer = await fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return this.#read<Answer>(answer, `${this.userId}: ${method} ${path}`);
  }

  async #read<Answer>(answer: Response, what: string): Promise<Answer> {
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as Answer;
    throw new MatrixError(answer.status, /"errcode":\s*"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 200), what);
  }

  async #syncOn(since: string): Promise<void> {
    for (let from = since; !this.#ending.signal.aborted; ) {
      try {
        from = await this.#syncOnce(from);
      } catch {
        // The homeserver restarts, or we are ending.
        await delay(100, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      }
    }
  }

  async #syncOnce(since: string | undefined): Promise<string> {
    const query = since === undefined ? 'timeout=0' : `timeout=20000&since=${encodeURIComponent(since)}`;
    const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 1_000 } }, presence: { types: [] } }));
    const headers = { authorization: `Bearer ${this.accessToken}` };
    const url = `${this.url}/_matrix/client/v3/sync?filter=${filter}&${query}`;
    const answer = await this.#read<SyncAnswer>(await fetch(url, { headers, signal: this.#ending.signal }), `${this.userId}: sync`);
    this.#take(answer);
    return answer.next_batch;
  }

  #take(answer: SyncAnswer): void {
    const at = performance.now();
    for (const [room, { invite_state }] of Object.entries(answer.rooms?.invite ?? {})) {
      const mine = invite_state?.events.find((event) => event.type === 'm.room.member' && event.state_key === this.userId);
      this.invites.set(room, mine?.sender ?? '');
    }
    for (const [room, { timeline, state, ephemeral }] of Object.entries(answer.rooms?.join ?? {})) {
      this.invites.delete(room);
      for (const { type, content } of ephemeral?.events ?? []) if (type === 'm.typing') this.#typing.set(room, content.user_ids ?? []);
      for (const event of [...(state?.events ?? []), ...(timeline?.events ?? [])]) {
        // Synapse may bring one event twice, as state and in the timeline of the next sync.
        if (this.#heardIds.has(event.event_id)) continue;
        this.#heardIds.add(event.event_id);
        this.heard.push({ ...event, room, at });
      }
    }
    for (const look of this.#waiting) look();
  }

  #lastEvents(): string {
    const lines = this.heard.slice(-15).map((event) => `  ${event.room} ${event.sender} ${event.type} ${JSON.stringify(event.content)}`);
    return lines.join('\n');
  }
}

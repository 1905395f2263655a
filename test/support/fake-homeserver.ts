// A homeserver for tests and measurements: speaks the client-server API to the bridge, pushes transactions to it as Synapse
// does, misbehaves where it is told to. In this process, or in one of its own (fake-homeserver/remote.ts) for the bench.

import { Door } from './fake-homeserver/door.ts';
import type { Fault } from './fake-homeserver/faults.ts';
import { Pusher } from './fake-homeserver/pusher.ts';
import { mustBeIn, Routes } from './fake-homeserver/routes.ts';
import { type RawEvent, type Room, type RoomOptions, World } from './fake-homeserver/world.ts';
import { patience } from './waiting.ts';

export type { Fault } from './fake-homeserver/faults.ts';
export type { RawEvent, RoomOptions } from './fake-homeserver/world.ts';

export interface FakeHomeserverOptions {
  readonly domain?: string;
  readonly asToken?: string;
  readonly hsToken?: string;
  readonly registrationId?: string;
  readonly botLocalpart?: string;
  /** Regular expressions over localparts of users and aliases that are the appservice's. */
  readonly userNamespace?: string;
  readonly aliasNamespace?: string;
  /** The appservice has everybody of the homeserver in a namespace that is not its alone. */
  readonly hasEverybody?: boolean;
  /** Where transactions go; may be given later by `pushTo`. */
  readonly appserviceUrl?: string;
  /** Every request waits so many ms before it is acted upon. */
  readonly latency?: number;
  /** First pause after a failed transaction, in ms. Synapse: 2000. */
  readonly backoff?: number;
  readonly ephemeralKeys?: 'stable' | 'unstable' | 'both';
  /** False: a homeserver without the ping of the appservice. */
  readonly hasPing?: boolean;
  /** False: a repeated PUT makes a second event. */
  readonly remember?: boolean;
  /** False: `requests` stays empty. */
  readonly record?: boolean;
  /** In bytes; any unless said. */
  readonly largestUpload?: number;
  readonly port?: number;
}

export async function startFakeHomeserver(options: FakeHomeserverOptions = {}): Promise<FakeHomeserver> {
  const fake = new FakeHomeserver(options);
  await fake.up();
  return fake;
}

export class FakeHomeserver {
  readonly domain: string;
  readonly asToken: string;
  readonly hsToken: string;
  readonly registrationId: string;
  readonly bot: string;
  readonly world: World;
  readonly pusher: Pusher;
  readonly #routes: Routes;
  readonly #door: Door;
  #downUntil: NodeJS.Timeout | undefined;

  constructor(options: FakeHomeserverOptions) {
    this.domain = options.domain ?? 'hs.test';
    this.asToken = options.asToken ?? 'as-token-of-the-test';
    this.hsToken = options.hsToken ?? 'hs-token-of-the-test';
    this.registrationId = options.registrationId ?? 'causeway-test';
    this.bot = `@${options.botLocalpart ?? 'bridge'}:${this.domain}`;
    const localpart = new RegExp(`^@(?:${options.userNamespace ?? 'irc_.*'}):`);
    const alias = new RegExp(`^#(?:${options.aliasNamespace ?? 'irc_.*'}):`);
    const isOurs = (user: string) => (localpart.test(user) && user.endsWith(`:${this.domain}`)) || user === this.bot;
    this.pusher = new Pusher({
      hsToken: this.hsToken,
      backoff: options.backoff ?? 100,
      ephemeralKeys: options.ephemeralKeys ?? 'stable',
    });
    this.world = new World({
      domain: this.domain,
      isOurs,
      onEvent: (event, room) => {
        if (room.ours > 0 || options.hasEverybody === true || (event.state_key !== undefined && isOurs(event.state_key)))
          this.pusher.event(event);
      },
    });
    this.#routes = new Routes({
      world: this.world,
      pusher: this.pusher,
      bot: this.bot,
      isOurs,
      isOurAlias: (name) => alias.test(name),
      registrationId: this.registrationId,
      hasPing: options.hasPing ?? true,
      rememberTransactions: options.remember ?? true,
      largestUpload: options.largestUpload,
    });
    this.#door = new Door({
      world: this.world,
      routes: this.#routes,
      asToken: this.asToken,
      bot: this.bot,
      mayAct: (user) => isOurs(user) || (options.hasEverybody === true && user.endsWith(`:${this.domain}`)),
      latency: options.latency ?? 0,
      record: options.record ?? true,
      port: options.port ?? 0,
    });
    this.world.register(this.bot);
    if (options.appserviceUrl !== undefined) this.pusher.pushTo(options.appserviceUrl);
  }

  get url(): string {
    return this.#door.url;
  }

  /** What the bridge asked, in order. */
  get requests(): Door['requests'] {
    return this.#door.requests;
  }

  get counts(): Door['counts'] {
    return this.#door.counts;
  }

  /** Tokens that people got for other services → who they are. */
  get openIdTokens(): Map<string, string> {
    return this.world.openIdTokens;
  }

  pushTo(appserviceUrl: string): void {
    this.pusher.pushTo(appserviceUrl);
  }

  // — what people on the homeserver do

  /** An ordinary user, made where there was none. */
  user(localpart: string, name?: string): string {
    const id = `@${localpart}:${this.domain}`;
    const user = this.world.users.get(id) ?? this.world.register(id);
    if (name !== undefined) user.name = name;
    return id;
  }

  /** An access token of theirs. */
  tokenOf(user: string): string {
    const token = `token-${this.world.accessTokens.size + 1}-of-${user}`;
    this.world.accessTokens.set(token, user);
    return token;
  }

  createRoom(options: RoomOptions): string {
    return this.world.createRoom(options).id;
  }

  /** A text, or any content; returns the event id. */
  say(user: string, room: string, said: string | Record<string, unknown>, type = 'm.room.message'): string {
    const found = this.world.room(room);
    mustBeIn(found, user);
    const content = typeof said === 'string' ? { msgtype: 'm.text', body: said } : said;
    return this.world.append(found, { sender: user, type, content }).event_id;
  }

  setState(user: string, room: string, type: string, key: string, content: Record<string, unknown>): string {
    return this.world.append(this.world.room(room), { sender: user, type, content, state_key: key }).event_id;
  }

  redact(user: string, room: string, target: string, reason?: string): string {
    return this.world.redact(this.world.room(room), user, target, reason === undefined ? {} : { reason }).event_id;
  }

  join(user: string, room: string): void {
    this.world.setMembership(this.world.room(room), user, user, 'join');
  }

  leave(user: string, room: string, reason?: string): void {
    this.world.setMembership(this.world.room(room), user, user, 'leave', reason === undefined ? {} : { reason });
  }

  invite(by: string, room: string, user: string, extra: Record<string, unknown> = {}): void {
    this.world.setMembership(this.world.room(room), by, user, 'invite', extra);
  }

  kick(by: string, room: string, user: string, reason?: string): void {
    this.world.setMembership(this.world.room(room), by, user, 'leave', reason === undefined ? {} : { reason });
  }

  ban(by: string, room: string, user: string, reason?: string): void {
    this.world.setMembership(this.world.room(room), by, user, 'ban', reason === undefined ? {} : { reason });
  }

  typing(room: string, users: readonly string[]): void {
    this.pusher.ephemeral({ type: 'm.typing', room_id: room, content: { user_ids: users } });
  }

  receipt(user: string, room: string, event: string): void {
    this.pusher.ephemeral({ type: 'm.receipt', room_id: room, content: { [event]: { 'm.read': { [user]: { ts: Date.now() } } } } });
  }

  presence(user: string, presence: string): void {
    this.pusher.ephemeral({ type: 'm.presence', sender: user, content: { presence } });
  }

  /** As a room upgrade by `user`: a new room that names the old one, the tombstone in the old, its people invited over. */
  upgradeRoom(user: string, room: string, version = '12'): string {
    const old = this.world.room(room);
    const made = this.world.createRoom({
      creator: user,
      version,
      creation: { predecessor: { room_id: room, event_id: old.timeline.at(-1)?.event_id } },
    });
    this.setState(user, room, 'm.room.tombstone', '', { body: 'This room has been replaced', replacement_room: made.id });
    return made.id;
  }

  /** An event pushed to the bridge as it is, in no timeline: for shapes that no homeserver should send. */
  pushRaw(event: object): void {
    this.pusher.event(event as RawEvent);
  }

  // — what can be seen of it

  room(id: string): Room {
    return this.world.room(id);
  }

  /** Events of a room in order, from the `from`th on; each with its time of arrival. */
  events(room: string, from = 0): (RawEvent & { arrived: number })[] {
    const { timeline, arrivals } = this.world.room(room);
    return timeline.slice(from).map((event, number) => ({ ...event, arrived: arrivals[from + number] ?? 0 }));
  }

  /** Messages only. */
  messages(room: string): RawEvent[] {
    return this.world.room(room).timeline.filter((event) => event.type === 'm.room.message');
  }

  members(room: string): string[] {
    return this.world.room(room).members();
  }

  /** Resolves with the events of a room once `enough` holds for them; rejects after `ms`. */
  async until(room: string, enough: (events: readonly RawEvent[]) => boolean, ms = patience): Promise<RawEvent[]> {
    const end = performance.now() + ms;
    for (;;) {
      const { timeline } = this.world.room(room);
      if (enough(timeline)) return [...timeline];
      if (performance.now() > end) throw new Error(`not within ${ms} ms in ${room}: ${JSON.stringify(timeline.slice(-5))}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resolves once the bridge has taken all that was pushed. */
  drained(): Promise<void> {
    return this.pusher.drained();
  }

  // — trouble

  fault(fault: Fault): void {
    this.#door.faults.add(fault);
  }

  clearFaults(): void {
    this.#door.faults.clear();
  }

  setLatency(ms: number): void {
    this.#door.latency = ms;
  }

  /** Starts to listen, on the port of before. */
  up(): Promise<void> {
    clearTimeout(this.#downUntil);
    return this.#door.up();
  }

  /** Connections are refused, those that stand are cut. */
  down(): Promise<void> {
    return this.#door.down();
  }

  /** Like a restart of Synapse on SQLite: transaction ids are forgotten, its own transaction numbers begin again. */
  async restart(downFor = 0): Promise<void> {
    await this.down();
    this.forget();
    await new Promise((resolve) => {
      this.#downUntil = setTimeout(resolve, downFor);
    });
    await this.up();
  }

  forget(): void {
    this.#routes.forgetTransactions();
    this.pusher.restart();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#downUntil);
    this.pusher.stop();
    await this.down();
  }
}

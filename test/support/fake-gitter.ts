// A Gitter for tests: stateful, on one port of its own, for faye's client and plain HTTP to speak to. Written from what is known of Gitter's
// server, documentation and clients; each part in fake-gitter/ names what it follows and what rests on memory ("unverified").

import { Bayeux } from './fake-gitter/bayeux.ts';
import type { Clock } from './fake-gitter/clock.ts';
import { Door, isFaye, type Route } from './fake-gitter/door.ts';
import type { CallFault, DeliveryFault } from './fake-gitter/faults.ts';
import { Gate } from './fake-gitter/gate.ts';
import { type Asked, json } from './fake-gitter/http.ts';
import { Limits } from './fake-gitter/limits.ts';
import { Lines } from './fake-gitter/lines.ts';
import { Messages } from './fake-gitter/messages.ts';
import type { Activity, Group, OAuthClient, Room, User } from './fake-gitter/model.ts';
import { OAuth } from './fake-gitter/oauth.ts';
import { type NewPerson, People } from './fake-gitter/people.ts';
import { Person } from './fake-gitter/person.ts';
import { picture } from './fake-gitter/pictures.ts';
import type { RecordedCall, RecordedDelivery } from './fake-gitter/records.ts';
import { Api, ownerOf } from './fake-gitter/rest/api.ts';
import { Rooms } from './fake-gitter/rooms.ts';
import { Shapes } from './fake-gitter/shapes.ts';
import { SpamGuard } from './fake-gitter/spam.ts';
import { Streams } from './fake-gitter/streams.ts';
import { Subscriptions } from './fake-gitter/subscriptions.ts';
import { Tokens } from './fake-gitter/tokens.ts';
import { type Quirks, World } from './fake-gitter/world.ts';
import { Faults } from './fake-services/faults.ts';
import { Recorded, type Search } from './fake-services/recorded.ts';
import { patience } from './waiting.ts';

export type { CallFault, DeliveryFault } from './fake-gitter/faults.ts';
export { GitterFault } from './fake-gitter/http.ts';
export type { Group, OAuthClient, Room, Token, User, VirtualUser } from './fake-gitter/model.ts';
export type { NewPerson } from './fake-gitter/people.ts';
export { Person } from './fake-gitter/person.ts';
export type { RecordedCall, RecordedDelivery } from './fake-gitter/records.ts';
export type { MessageShape, UserShape } from './fake-gitter/shapes.ts';
export type { Quirks } from './fake-gitter/world.ts';

export interface FakeGitterOptions {
  /** 0, the default: a free one. */
  readonly port?: number;
  /** False: `calls` and `deliveries` stay empty. */
  readonly record?: boolean;
  /** False: nobody is refused, `limits.exceeded` and the headers count as ever. For load set `rate`. */
  readonly limits?: boolean;
  /** Calls in a window for each user and client: Gitter's are 100 in 60 s. */
  readonly rate?: { readonly calls: number; readonly window: number };
  readonly quirks?: Partial<Quirks>;
  readonly faye?: {
    /** ms a request to connect is held. Gitter: 120 s. */
    readonly timeout?: number;
    /** ms after which a silent client is forgotten. Gitter: 1.6 times the timeout. */
    readonly patience?: number;
    /** ms of the advice after a 401. Gitter: 2000. */
    readonly retryInterval?: number;
  };
  readonly stream?: {
    /** `cr`: the documentation of 2018; `lf`, the default: later ones. */
    readonly style?: 'cr' | 'lf';
    /** ms between blanks that keep a stream alive. */
    readonly heartbeat?: number;
    /** True, the default: an object comes in two chunks, split within a character. */
    readonly isSplit?: boolean;
  };
}

export interface NewClient {
  readonly id?: string;
  readonly secret?: string;
  readonly name?: string;
  readonly redirectUri?: string;
  readonly mayUseVirtualUsers?: boolean;
  readonly isTrusted?: boolean;
}

export async function startFakeGitter(options: FakeGitterOptions = {}): Promise<FakeGitter> {
  const gitter = new FakeGitter(options);
  await gitter.up();
  return gitter;
}

export class FakeGitter {
  readonly world: World;
  readonly limits: Limits;
  readonly calls: Recorded<RecordedCall>;
  readonly deliveries: Recorded<RecordedDelivery>;
  readonly faye: Bayeux;
  readonly streams: Streams;
  readonly oauth: OAuth;
  /** The client of personal tokens. */
  readonly developerClient: OAuthClient;
  readonly #shapes: Shapes;
  readonly #messages: Messages;
  readonly #rooms: Rooms;
  readonly #people: People;
  readonly #tokens: Tokens;
  readonly #api: Api;
  readonly #lines: Lines;
  readonly #door: Door;
  readonly #happenings = new Recorded<string>('happenings', false);
  readonly #callFaults = new Faults<CallFault>();
  readonly #deliveryFaults = new Faults<DeliveryFault>();

  constructor({ port = 0, record = true, limits = true, rate, quirks, faye, stream }: FakeGitterOptions) {
    const world = new World(quirks);
    this.world = world;
    this.calls = new Recorded('calls', record);
    this.deliveries = new Recorded('deliveries', record);
    this.limits = new Limits({ clock: world.clock, isOn: limits, calls: rate?.calls ?? 100, window: rate?.window ?? 60_000 });
    const shapes = new Shapes(world);
    this.#shapes = shapes;
    this.#messages = new Messages(world, shapes, new SpamGuard(world.clock));
    this.#rooms = new Rooms({ world, shapes, messages: this.#messages, onRemoved: (room, user) => this.#removed(room, user) });
    this.#people = new People(world, shapes);
    this.#tokens = new Tokens(world, (token) => {
      this.faye.revoked(token);
      this.streams.revoked(token);
    });
    const { deliveries } = this;
    const gate = new Gate(world, this.#deliveryFaults);
    this.faye = new Bayeux({
      world,
      shapes,
      gate,
      deliveries,
      subscriptions: new Subscriptions(world, shapes),
      timeout: faye?.timeout ?? 120_000,
      patience: faye?.patience ?? 1.6 * (faye?.timeout ?? 120_000),
      retryInterval: faye?.retryInterval ?? 2000,
      onSubscribed: () => this.#happenings.changed(),
      onPresence: (room, user, status) => this.#rooms.setPresence(room, user, status),
    });
    const { style = 'lf', heartbeat = 15_000, isSplit = true } = stream ?? {};
    this.streams = new Streams({ world, gate, deliveries, style, heartbeat, isSplit });
    this.oauth = new OAuth(world, this.#tokens);
    this.#api = new Api({ world, shapes, messages: this.#messages, rooms: this.#rooms }, this.limits);
    this.#lines = new Lines(this.faye);
    const { calls } = this;
    const faults = this.#callFaults;
    this.#door = new Door({ world, faults, calls, lines: this.#lines, route: (asked) => this.#route(asked), port });
    this.developerClient = this.addClient({ name: 'Developer' });
    world.listen(() => this.#happenings.changed());
  }

  get url(): string {
    return this.world.origin;
  }

  get apiUrl(): string {
    return `${this.url}/api/v1`;
  }

  get fayeUrl(): string {
    return `${this.url}/bayeux`;
  }

  get streamUrl(): string {
    return `${this.url}/stream/v1`;
  }

  /** `authorize` and `token` hang under it. */
  get oauthUrl(): string {
    return `${this.url}/login/oauth`;
  }

  /** Can be put forward: the edit window, rates, the guard against copies. */
  get clock(): Clock {
    return this.world.clock;
  }

  // — who and what there is

  addPerson(person: NewPerson | string): Person {
    return this.personOf(this.#people.make(typeof person === 'string' ? { username: person } : person));
  }

  /** To act as a user who is known. */
  personOf(user: User): Person {
    const parts = { world: this.world, messages: this.#messages, rooms: this.#rooms, people: this.#people };
    return new Person({ ...parts, oauth: this.oauth, tokens: this.#tokens, happenings: this.#happenings }, user);
  }

  /** A community; its admins are admins of all its rooms. A room's is made where there is none. */
  addGroup(uri: string, { name, admins = [] }: { name?: string; admins?: readonly { readonly id: string }[] } = {}): Group {
    return this.world.makeGroup(uri, { ...(name !== undefined && { name }), admins: admins.map(({ id }) => id) });
  }

  /** `uri`: `org/room`. */
  addRoom(
    uri: string,
    members: readonly { readonly id: string }[] = [],
    options: { id?: string; topic?: string; isPrivate?: boolean; admins?: readonly { readonly id: string }[] } = {},
  ): Room {
    const { admins = [], ...more } = options;
    return this.world.makeRoom({ uri, ...more, members: members.map(({ id }) => id), admins: admins.map(({ id }) => id) });
  }

  /** An OAuth application; `mayUseVirtualUsers`: approved as a bridge. */
  addClient(client: NewClient = {}): OAuthClient {
    const {
      id = this.world.secret(),
      secret = this.world.secret(),
      name = 'Bridge',
      isTrusted = false,
      mayUseVirtualUsers = false,
    } = client;
    const made = { id, secret, name, isTrusted, mayUseVirtualUsers, redirectUri: client.redirectUri ?? 'http://127.0.0.1/' };
    this.world.clients.set(id, made);
    return made;
  }

  /** Without a client a personal one, as developer.gitter.im gives it. A `virtualUser` takes an approved client's. */
  tokenOf(person: { readonly id: string }, client: OAuthClient = this.developerClient, value?: string): string {
    return this.#tokens.of(this.world.user(person.id), client, value).value;
  }

  revoke(token: string): void {
    const known = this.world.tokens.get(token);
    if (known !== undefined) this.#tokens.revoke(known);
  }

  /** The account is closed; what it said stays. */
  closeAccount(person: Person): void {
    this.#tokens.revokeOf(person.user);
    this.#people.remove(person.user);
  }

  /** Into a room's activity feed, as an integration would. */
  addActivity(
    room: Room,
    html: string,
    { text = html, meta = {}, payload = {} }: Partial<Omit<Activity, 'id' | 'sent' | 'html'>> = {},
  ): string {
    const entry: Activity = { id: this.world.id(), text, html, sent: this.clock.now(), meta, payload };
    room.activity.push(entry);
    this.world.announceModel(`/rooms/${room.id}/events`, 'events', 'create', this.#shapes.activity(entry));
    return entry.id;
  }

  /** A room gets another uri, as after a renaming on GitHub. */
  renameRoom(room: Room, uri: string): void {
    this.#rooms.rename(room, uri);
  }

  /** Its admin makes it private, or public. */
  makePrivate(room: Room, isPrivate = true): void {
    this.#rooms.makePrivate(room, isPrivate);
  }

  // — trouble

  fault(fault: CallFault): void {
    this.#callFaults.add(fault);
  }

  deliveryFault(fault: DeliveryFault): void {
    this.#deliveryFaults.add(fault);
  }

  clearFaults(): void {
    this.#callFaults.clear();
    this.#deliveryFaults.clear();
  }

  /** ms that every call takes. */
  setLatency(ms: number): void {
    this.#door.latency = ms;
  }

  /** Faye's sockets and held requests are cut; the clients stay known. */
  cutFaye(username?: string): void {
    for (const client of this.faye.clientsOf(username)) client.cut();
  }

  /** So many greetings, though the token is good. */
  refuseFaye(username: string, times: number): void {
    this.faye.refusals.set(username, times);
  }

  cutStreams(username?: string): void {
    this.streams.cut(username);
  }

  /** As after the server's restart: Faye knows none of its clients any more. */
  forgetFayeClients(): void {
    this.faye.forget();
  }

  /** Starts to listen, on the port of before. */
  up(): Promise<void> {
    return this.#door.up();
  }

  /** Connections are refused, those that stand are cut; Faye keeps for its clients what happens meanwhile. */
  async down(): Promise<void> {
    this.cutFaye();
    this.cutStreams();
    await this.#door.down();
  }

  async stop(): Promise<void> {
    this.world.later.stop();
    this.streams.stop();
    await this.down();
  }

  // — what can be seen

  callsOf(route: string): RecordedCall[] {
    return this.calls.items.filter((call) => call.route === route);
  }

  /** Answered, or dropped after the work was done. */
  waitForCall(route: string, fits: (call: RecordedCall) => boolean = () => true, search: Search = {}): Promise<RecordedCall> {
    return this.calls.waitFor((call) => call.route === route && call.answer !== undefined && fits(call), search);
  }

  /** `what`: `chatMessages/create`, `users/remove`, `notification/presence`, … */
  waitForDelivery(
    what: string,
    fits: (delivery: RecordedDelivery) => boolean = () => true,
    search: Search = {},
  ): Promise<RecordedDelivery> {
    return this.deliveries.waitFor((delivery) => delivery.what === what && fits(delivery), search);
  }

  /** Until somebody listens to a room, by Faye or by a stream. */
  async waitForListener(room: Room, username?: string, { timeout = patience }: Search = {}): Promise<void> {
    const path = `/rooms/${room.id}/chatMessages`;
    const isHeard = () =>
      this.faye.clientsOf(username).some(({ subscriptions }) => subscriptions.has(path)) ||
      this.streams.of(username).some(({ channel }) => channel.endsWith(path));
    await this.#happenings.until(isHeard, timeout, () => `nobody listens to ${room.uri}`);
  }

  #removed(room: Room, user: User): void {
    this.faye.removed(room, user);
    if (room.isPrivate) this.streams.removed(room.id, user.id);
  }

  #route(asked: Asked): Route | undefined {
    const { verb, url } = asked;
    const { pathname: path } = url;
    const api = /^\/api\/v1(\/.*)$/.exec(path)?.[1];
    if (api !== undefined) {
      const matched = this.#api.match(verb, api);
      return { name: matched?.name ?? `${verb} ${api}`, handle: () => this.#api.answer(asked, matched) };
    }
    const [, room = '', kind] = /^\/stream\/v1\/rooms\/([^/]+)\/(chatMessages|events)$/.exec(path) ?? [];
    if (kind !== undefined)
      return { name: `GET /stream/rooms/:room/${kind}`, handle: (_asked, _request, response) => this.#stream(asked, room, kind, response) };
    if (verb === 'POST' && isFaye(path))
      return { name: 'POST /bayeux', handle: ({ body }, request, response) => this.#lines.poll(body, request, response) };
    if (path.startsWith('/avatars/')) return { name: 'GET /avatars', handle: () => picture(this.world, url) };
    switch (`${verb} ${path}`) {
      case 'GET /login/oauth/authorize':
        return { name: 'GET /login/oauth/authorize', handle: () => this.oauth.page(url.searchParams) };
      case 'POST /login/oauth/authorize/decision':
        return { name: 'POST /login/oauth/authorize/decision', handle: () => this.oauth.decide(asked) };
      case 'POST /login/oauth/token':
        return { name: 'POST /login/oauth/token', handle: () => this.oauth.token(asked) };
      default:
        return undefined;
    }
  }

  #stream(asked: Asked, roomId: string, kind: string, response: Parameters<Streams['open']>[3]) {
    const token = ownerOf(asked, this.world);
    if (token === undefined) return json({ error: 'Unauthorized' }, 401);
    const room = this.world.rooms.get(roomId);
    if (room === undefined || room.isDeleted) return json({ error: 'Not Found' }, 404);
    if (room.isPrivate && !room.members.has(token.user.id)) return json({ error: 'Forbidden' }, 403);
    this.streams.open(roomId, kind, token, response);
    this.#happenings.changed();
    return undefined;
  }
}

// Takes what an older bridge left into the store of a bridge that does not run: all of it in one commit, or nothing. What is there
// already stays as it is, and what was taken once is not taken again, so that whatever was undone since stays undone.

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Logger } from './adapter-tools.ts';
import { PermanentError } from './errors.ts';
import type { UserId } from './ids.ts';
import type {
  Forerunner,
  Inheritance,
  InheritedGhost,
  InheritedKind,
  InheritedLink,
  InheritedMessage,
  InheritedReaction,
  InheritedTable,
} from './inheritance.ts';
import { Journal } from './pipeline/journal.ts';
import { keepDays } from './pipeline/relations.ts';
import { towards } from './pipeline/row.ts';
import { type Link, Links } from './plumbing/links.ts';
import type { CoreSettings } from './settings.ts';
import { acquireLock } from './store/lock.ts';
import { openNotes } from './store/notes.ts';
import { openStore, type SqliteStore } from './store/sqlite.ts';
import { openKeys } from './virtual-users/keys.ts';
import { Logins } from './virtual-users/logins.ts';
import { type Names, namespaces, openNames } from './virtual-users/names.ts';
import { SealedSecrets } from './virtual-users/sealed-secrets.ts';

export interface TakenOver {
  readonly tables: readonly InheritedTable[];
  readonly advice: readonly string[];
  readonly counts: Readonly<Record<InheritedKind, { readonly taken: number; readonly known: number }>>;
  /** Of what the store had no place for. */
  readonly left: readonly { readonly kind: InheritedKind; readonly what: string; readonly why: string; readonly rows?: number }[];
}

export interface TakeOverGiven {
  readonly forerunner: Forerunner;
  readonly from: string;
  readonly networkSettings: unknown;
  /** Everything is done, on a copy. */
  readonly isTrial: boolean;
  /** Rows that cannot be taken do not stand in the way of the others. */
  readonly mayLeaveOut: boolean;
}

const nothing = (): void => {};
const silentLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };

const dayMs = 86_400_000;
/** So long the ledger knows what was taken in. */
const seenDays = 30;
const mostShown = 50;

export async function takeOver(core: CoreSettings, given: TakeOverGiven): Promise<TakenOver> {
  const { forerunner, from, networkSettings, isTrial, mayLeaveOut } = given;
  const lock = await acquireLock(core.store);
  const copied = isTrial ? mkdtempSync(join(tmpdir(), 'causeway-trial-')) : undefined;
  try {
    const inheritance = await forerunner.read(from, { settings: networkSettings, core, since: Date.now() - keepDays * dayMs });
    refuseStrangers(core, inheritance);
    if (!mayLeaveOut && !isTrial) refuseFaults(inheritance);
    const path = copied === undefined ? core.store : copyOf(core.store, copied);
    const written = await takeInto(path, core, { inheritance, forerunner: forerunner.name });
    return { ...written, tables: inheritance.tables, advice: inheritance.advice };
  } finally {
    if (copied !== undefined) rmSync(copied, { recursive: true, force: true });
    await lock.release();
  }
}

/** The homeserver lets the bridge speak for its own ghosts alone. */
function refuseStrangers({ names, homeserver, appservice }: CoreSettings, { ghosts, ghostTemplate }: Inheritance): void {
  const { users } = namespaces(names, homeserver.domain, appservice.botLocalpart);
  const own = users.map(({ regex }) => new RegExp(regex));
  const stranger = ghosts.find(({ ghost }) => !own.some((regex) => regex.test(ghost)));
  if (stranger === undefined) return;
  const way =
    ghostTemplate === undefined ? '' : `. Set names.ghosts: ${JSON.stringify(ghostTemplate)}, and run \`causeway register\` again`;
  throw new PermanentError('TAKE_OVER_REFUSED', `names.ghosts (${names.ghosts}) does not cover old ghosts such as ${stranger.ghost}${way}`);
}

function refuseFaults({ tables }: Inheritance): void {
  const faults = tables.flatMap(({ name, left }) =>
    left.filter(({ isFault }) => isFault === true).map(({ what, why }) => `  ${name}: ${what}: ${why}`),
  );
  if (faults.length === 0) return;
  const more = faults.length > mostShown ? [`  and ${faults.length - mostShown} more`] : [];
  const count = faults.length === 1 ? 'one row' : `${faults.length} rows`;
  throw new PermanentError('TAKE_OVER_REFUSED', [`${count} cannot be taken over:`, ...faults.slice(0, mostShown), ...more].join('\n'));
}

function copyOf(store: string, folder: string): string {
  const copy = join(folder, basename(store));
  for (const end of ['', '-wal', '.keys']) if (existsSync(store + end)) copyFileSync(store + end, copy + end);
  return copy;
}

async function takeInto(path: string, settings: CoreSettings, given: WritingGiven): Promise<Written> {
  const store = openStore(path, (thrown) => {
    throw thrown;
  });
  try {
    const keys = await openKeys(`${path}.keys`);
    const { botLocalpart } = settings.appservice;
    const names = openNames({ ...settings.names, domain: settings.homeserver.domain, botLocalpart });
    const links = new Links({ store });
    const journal = new Journal({ store, run: store.run });
    const logins = new Logins({ store, keys, log: silentLog });
    const secrets = new SealedSecrets({ store, keys });
    const writing = new Writing({ store, names, links, journal, logins, secrets, ...given });
    return await store.write(() => writing.write());
  } finally {
    await store.close();
  }
}

type Written = Pick<TakenOver, 'counts' | 'left'>;

interface WritingGiven {
  readonly forerunner: string;
  readonly inheritance: Inheritance;
}

interface WritingParts extends WritingGiven {
  readonly store: SqliteStore;
  readonly names: Names;
  readonly links: Links;
  readonly journal: Journal;
  readonly logins: Logins;
  readonly secrets: SealedSecrets;
}

class Writing {
  readonly #parts: WritingParts;
  readonly #counts = new Map<InheritedKind, { taken: number; known: number }>();
  readonly #left: TakenOver['left'][number][] = [];
  /** What was taken before, of what people may undo. */
  readonly #before: ReadonlySet<string>;
  readonly #now: string[] = [];

  constructor(parts: WritingParts) {
    this.#parts = parts;
    const kept = openNotes(parts.store).get(`taken over from ${parts.forerunner}`);
    this.#before = new Set(Array.isArray(kept) ? (kept as string[]) : []);
  }

  /** In a unit. */
  write(): Written {
    const { inheritance, secrets, logins } = this.#parts;
    for (const { name, value, isOfLink } of inheritance.secrets)
      this.#once(isOfLink === true ? undefined : 'secrets', `secrets ${name}`, () => secrets.inherit(name, value));
    // What the adapter has forgotten since, as of a channel that was unlinked, is of no use any more.
    for (const { name, value } of inheritance.memory)
      this.#once(undefined, `memory ${name}`, () =>
        this.#insert('INSERT OR IGNORE INTO memory (name, value) VALUES (?, ?)', name, JSON.stringify(value)),
      );
    for (const ghost of inheritance.ghosts) this.#count('ghosts', this.#ghost(ghost));
    for (const link of inheritance.links) this.#link(link);
    for (const { user, ...login } of inheritance.logins)
      this.#once('logins', `logins ${login.account} of ${user}`, () => logins.inherit(user, login));
    for (const { room, user } of inheritance.directChats)
      this.#once('direct chats', `direct chats ${room} of ${user}`, () => this.#directChat(room, user));
    this.#pointedAt('messages', inheritance.messages, (each, link) => this.#message(each, link));
    this.#pointedAt('reactions', inheritance.reactions, (each, link) => this.#reaction(each, link));
    this.#note(`taken over from ${this.#parts.forerunner}`, [...new Set([...this.#before, ...this.#now])]);
    const kinds = ['secrets', 'links', 'ghosts', 'logins', 'direct chats', 'messages', 'reactions'] as const;
    const counts = Object.fromEntries(kinds.map((kind) => [kind, this.#counts.get(kind) ?? { taken: 0, known: 0 }]));
    return { counts: counts as TakenOver['counts'], left: this.#left };
  }

  #link({ room, channel, chat }: InheritedLink): void {
    const { links } = this.#parts;
    const name = `${room} ${channel}`;
    if (links.find(room, channel) !== undefined) {
      this.#now.push(`links ${name}`);
      this.#count('links', false);
      return;
    }
    const elsewhere = links.byChannel(channel).find((link) => link.room !== room && link.options.receiver === undefined);
    if (elsewhere !== undefined && !this.#before.has(`links ${name}`)) {
      this.#left.push({ kind: 'links', what: `${channel} in ${room}`, why: `the channel is linked to ${elsewhere.room} here` });
      return;
    }
    const options = { inherited: true, ...(chat && { chat: chat.kind, people: chat.people }) };
    const origin = chat === undefined ? 'command' : 'portal';
    this.#once('links', `links ${name}`, () => {
      links.begin({ room, channel, origin, state: 'live', options });
      return true;
    });
  }

  /** Its person may have a ghost here already, whom rooms know: then the older one is nobody's. */
  #ghost({ ghost, of, name }: InheritedGhost): boolean {
    const { names, store } = this.#parts;
    const id = of === undefined ? undefined : names.ghostOf(of);
    if (id === ghost && of !== undefined) return this.#keepGhost(ghost, of.id, name);
    const isKnown = id !== undefined && store.prepare('SELECT 1 FROM ghosts WHERE id = ?').get(id) !== undefined;
    const stands = id === undefined || isKnown ? null : id;
    const isNew = this.#insert('INSERT OR IGNORE INTO adopted (ghost, id) VALUES (?, ?)', ghost, stands);
    return isNew && of !== undefined && stands !== null ? this.#keepGhost(ghost, of.id, name) : isNew;
  }

  #keepGhost(ghost: UserId, remote: string, name: string | undefined): boolean {
    const sql = 'INSERT OR IGNORE INTO ghosts (id, remote, name, avatar, at) VALUES (?, ?, ?, NULL, ?)';
    return this.#insert(sql, ghost, remote, name ?? null, Date.now());
  }

  #directChat(room: string, user: UserId): boolean {
    const isNew = this.#insert('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)', `note:direct:${room}`, JSON.stringify(user));
    this.#insert('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)', `note:chat with ${user}`, JSON.stringify(room));
    return isNew;
  }

  #message({ channel, event, id, part, thread, at }: InheritedMessage, link: Link): boolean {
    // Whoever reads either side's history again must know it for one that was carried.
    if (Date.now() - at < seenDays * dayMs) {
      this.#parts.journal.markSeen(towards.matrix, channel, id);
      this.#parts.journal.markSeen(towards.network, '', event);
    }
    return this.#insert(
      "INSERT OR IGNORE INTO relations (event, link, part, remote, kind, sender, thread, at) VALUES (?, ?, ?, ?, 0, '', ?, ?)",
      ...([event, link.id, part, id, thread ?? null, at] as const),
    );
  }

  #reaction({ event, emoji, target, by, ghost, at }: InheritedReaction, link: Link): boolean {
    const remote = ghost === undefined ? target.id : `${target.event} ${emoji}`;
    if (Date.now() - at < seenDays * dayMs) this.#parts.journal.markSeen(towards.network, '', event);
    return this.#insert(
      'INSERT OR IGNORE INTO relations (event, link, part, remote, kind, sender, author, emoji, at) VALUES (?, ?, 0, ?, 1, ?, ?, ?, ?)',
      ...([event, link.id, remote, ghost ?? '', by, emoji, at] as const),
    );
  }

  #pointedAt<Each extends InheritedMessage | InheritedReaction>(
    kind: InheritedKind,
    all: readonly Each[],
    write: (each: Each, link: Link) => boolean,
  ): void {
    let homeless = 0;
    for (const each of all) {
      const link = this.#parts.links.find(each.room, each.channel);
      if (link === undefined) homeless += 1;
      else this.#count(kind, write(each, link));
    }
    if (homeless > 0) this.#left.push({ kind, what: 'of rooms without a link', why: 'nothing can point at them any more', rows: homeless });
  }

  /** What people may undo is offered once. */
  #once(kind: InheritedKind | undefined, key: string, write: () => boolean): void {
    const isNew = !this.#before.has(key) && write();
    if (kind !== undefined) this.#count(kind, isNew);
    this.#now.push(key);
  }

  #count(kind: InheritedKind, isNew: boolean): void {
    const count = this.#counts.get(kind) ?? { taken: 0, known: 0 };
    this.#counts.set(kind, count);
    if (isNew) count.taken += 1;
    else count.known += 1;
  }

  #note(name: string, value: readonly string[]): void {
    this.#insert('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', `note:${name}`, JSON.stringify(value));
  }

  #insert(sql: string, ...values: readonly (string | number | null)[]): boolean {
    return this.#parts.store.prepare(sql).run(...values).changes > 0;
  }
}

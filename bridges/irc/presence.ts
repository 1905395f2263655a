// Who is in the watched channels of one network: one model for the network, fed by each channel's reporter (never by every
// puppet). A person is one object, shared by all channels they are in.

import type { Isupport } from './wire/connection.ts';

export interface Person {
  /** As written. */
  nick: string;
  readonly folded: string;
  /** `user@host` once seen. */
  mask: string | undefined;
  /** Logged in as; undefined where they are not, or nobody told. */
  account: string | undefined;
  /** As told at their JOIN, or by SETNAME. */
  realname: string | undefined;
  /** What they left word of; undefined while they are there. */
  away: string | undefined;
  /** Folded names of the watched channels that they are in; few, so no set. */
  readonly channels: string[];
}

/** What the server told of somebody on the way; nobody's account is `*` or empty. */
export interface Details {
  readonly mask?: string | undefined;
  readonly account?: string | undefined;
  readonly realname?: string | undefined;
}

interface Members {
  /** Folded nick → their signs there (`@+`), strongest first. */
  readonly signs: Map<string, string>;
  /** NAMES under way: replaces `signs` at its end, so that nobody is missing meanwhile. */
  arriving: Map<string, string> | undefined;
}

/** What the usual modes of members are called. */
const offices: Readonly<Record<string, string>> = { q: 'owner', a: 'admin', o: 'operator', h: 'half-operator', v: 'voice' };

export class Presence {
  readonly #support: () => Isupport;
  readonly #people = new Map<string, Person>();
  readonly #channels = new Map<string, Members>();

  constructor(support: () => Isupport) {
    this.#support = support;
  }

  watch(channel: string): void {
    if (!this.#channels.has(channel)) this.#channels.set(channel, { signs: new Map(), arriving: undefined });
  }

  unwatch(channel: string): void {
    const members = this.#channels.get(channel);
    if (members === undefined) return;
    for (const folded of members.signs.keys()) this.#leave(folded, channel);
    this.#channels.delete(channel);
  }

  /** Undefined: in no watched channel. */
  person(folded: string): Person | undefined {
    return this.#people.get(folded);
  }

  isIn(folded: string, channel: string): boolean {
    return this.#channels.get(channel)?.signs.has(folded) ?? false;
  }

  *members(channel: string): Iterable<Person> {
    for (const folded of this.#channels.get(channel)?.signs.keys() ?? []) {
      const person = this.#people.get(folded);
      if (person !== undefined) yield person;
    }
  }

  joined(channel: string, nick: string, details: Details = {}): void {
    const members = this.#channels.get(channel);
    if (members === undefined || nick === '') return;
    const person = this.#personCalled(nick);
    noteDetails(person, details);
    if (!person.channels.includes(channel)) person.channels.push(channel);
    members.signs.set(person.folded, members.signs.get(person.folded) ?? '');
    members.arriving?.set(person.folded, '');
  }

  left(channel: string, nick: string): void {
    const folded = this.#support().fold(nick);
    const members = this.#channels.get(channel);
    members?.signs.delete(folded);
    members?.arriving?.delete(folded);
    this.#leave(folded, channel);
  }

  quit(nick: string): void {
    const person = this.#people.get(this.#support().fold(nick));
    for (const channel of [...(person?.channels ?? [])]) this.left(channel, nick);
  }

  renamed(from: string, to: string): void {
    const support = this.#support();
    const [before, after] = [support.fold(from), support.fold(to)];
    const person = this.#people.get(before);
    if (person === undefined || to === '') return;
    if (before === after) {
      person.nick = to;
      return;
    }
    this.quit(to);
    this.#people.delete(before);
    this.#people.set(after, { ...person, nick: to, folded: after });
    for (const channel of person.channels) {
      const members = this.#channels.get(channel);
      moveKey(members?.signs, before, after);
      moveKey(members?.arriving, before, after);
    }
  }

  note(nick: string, details: Details): void {
    const person = this.#people.get(this.#support().fold(nick));
    if (person !== undefined) noteDetails(person, details);
  }

  /** 353: `@+alice bob!user@host`. */
  namesArrive(channel: string, names: string): void {
    const members = this.#channels.get(channel);
    if (members === undefined) return;
    members.arriving ??= new Map();
    const marks = [...this.#support().prefix.values()].join('');
    for (const entry of names.split(' ')) {
      let start = 0;
      while (start < entry.length && marks.includes(entry.charAt(start))) start++;
      const [nick = '', mask] = splitAt(entry.slice(start), '!');
      if (nick === '') continue;
      const person = this.#personCalled(nick);
      // Under a nick that was theirs when we were last there, it may be somebody else.
      if (mask !== undefined && mask !== person.mask) noteDetails(person, { mask, account: '', realname: '' });
      if (!person.channels.includes(channel)) person.channels.push(channel);
      members.arriving.set(person.folded, entry.slice(0, start));
    }
  }

  /** 366. */
  namesEnd(channel: string): void {
    const members = this.#channels.get(channel);
    if (members?.arriving === undefined) return;
    const arrived = members.arriving;
    members.arriving = undefined;
    for (const folded of members.signs.keys()) if (!arrived.has(folded)) this.#leave(folded, channel);
    members.signs.clear();
    for (const [folded, signs] of arrived) members.signs.set(folded, signs);
  }

  /** A new list will come from the start (the reporter joined anew). */
  namesExpected(channel: string): void {
    const members = this.#channels.get(channel);
    if (members !== undefined) members.arriving = undefined;
  }

  /** MODE +o alice and kin. */
  marked(channel: string, nick: string, sign: string, on: boolean): void {
    const folded = this.#support().fold(nick);
    const members = this.#channels.get(channel);
    const signs = members?.signs.get(folded);
    if (members === undefined || signs === undefined) return;
    const order = [...this.#support().prefix.values()];
    members.signs.set(folded, order.filter((each) => (each === sign ? on : signs.includes(each))).join(''));
  }

  signs(channel: string, folded: string): string {
    return this.#channels.get(channel)?.signs.get(folded) ?? '';
  }

  /** In words: `operator and voice in #chan`; undefined where they are nothing there. */
  standing(channel: string, folded: string): string | undefined {
    const signs = this.signs(channel, folded);
    const held = [...this.#support().prefix].flatMap(([mode, sign]) => (signs.includes(sign) ? [offices[mode] ?? `+${mode}`] : []));
    return held.length === 0 ? undefined : `${held.join(' and ')} in ${channel}`;
  }

  #personCalled(nick: string): Person {
    const folded = this.#support().fold(nick);
    const known = this.#people.get(folded);
    if (known !== undefined) {
      known.nick = nick;
      return known;
    }
    const person: Person = { nick, folded, mask: undefined, account: undefined, realname: undefined, away: undefined, channels: [] };
    this.#people.set(folded, person);
    return person;
  }

  #leave(folded: string, channel: string): void {
    const person = this.#people.get(folded);
    if (person === undefined) return;
    const at = person.channels.indexOf(channel);
    if (at >= 0) person.channels.splice(at, 1);
    if (person.channels.length === 0) this.#people.delete(folded);
  }
}

function noteDetails(person: Person, { mask, account, realname }: Details): void {
  if (mask !== undefined) person.mask = kept(mask, person.mask);
  if (account !== undefined) person.account = account === '*' || account === '' ? undefined : kept(account, person.account, person.nick);
  if (realname !== undefined) person.realname = realname === '' ? undefined : kept(realname, person.realname, person.nick, person.account);
}

/** The string that is kept already where it says the same; else a copy of its own, since a piece of a line holds the whole line. */
function kept(text: string, ...known: readonly (string | undefined)[]): string {
  return known.find((each) => each === text) ?? Buffer.from(text).toString();
}

function moveKey(map: Map<string, string> | undefined, from: string, to: string): void {
  const value = map?.get(from);
  if (map === undefined || value === undefined) return;
  map.delete(from);
  map.set(to, value);
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

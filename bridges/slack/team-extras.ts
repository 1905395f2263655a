// What a team has of its own beside people and channels: its emoji and its groups of people. Each list is one call, made once the
// team is up and kept in step with what Slack tells; without the scope for it the list stays empty.

import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';
import type { Ask } from './users.ts';

export class TeamExtras {
  readonly #ask: Ask;
  #emoji = new Map<string, string>();
  #groups = new Map<string, string>();

  constructor(parts: { readonly ask: Ask }) {
    this.#ask = parts.ask;
  }

  /** An address, or `alias:other`. */
  emoji(name: string): string | undefined {
    return this.#emoji.get(name);
  }

  /** By its handle, without the sign before it. */
  group(id: string): string | undefined {
    return this.#groups.get(id);
  }

  async load(): Promise<void> {
    await Promise.allSettled([this.#loadEmoji(), this.#loadGroups()]);
  }

  emojiChanged(event: Fields): void {
    const { subtype } = event;
    const name = textIn(event, 'name');
    const value = textIn(event, 'value');
    if (subtype === 'add' && name !== undefined && value !== undefined) this.#emoji.set(name, value);
    else if (subtype === 'remove') for (const each of Array.isArray(event.names) ? event.names : []) this.#emoji.delete(String(each));
    else if (subtype === 'rename') this.#renamed(textIn(event, 'old_name'), textIn(event, 'new_name'), value);
  }

  groupChanged(event: Fields): void {
    const group = fieldsIn(event, 'subteam');
    const id = textIn(group, 'id');
    const handle = textIn(group, 'handle');
    if (id !== undefined && handle !== undefined) this.#groups.set(id, handle);
  }

  #renamed(was: string | undefined, name: string | undefined, value: string | undefined): void {
    const kept = value ?? (was === undefined ? undefined : this.#emoji.get(was));
    if (was !== undefined) this.#emoji.delete(was);
    if (name !== undefined && kept !== undefined) this.#emoji.set(name, kept);
  }

  async #loadEmoji(): Promise<void> {
    const told = fieldsIn(await this.#ask('emoji.list', {}), 'emoji') ?? {};
    this.#emoji = new Map(Object.entries(told).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  async #loadGroups(): Promise<void> {
    const told = listIn(await this.#ask('usergroups.list', {}), 'usergroups');
    this.#groups = new Map(told.map((group) => [textIn(group, 'id') ?? '', textIn(group, 'handle') ?? textIn(group, 'name') ?? '']));
  }
}

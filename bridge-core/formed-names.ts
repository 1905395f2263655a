// How people of Matrix are called where the bot speaks for them: templates of operators and of rooms. Pure.

import { domainOf, localpartOf, type UserId } from './ids.ts';

const words = /\{(name|user|localpart|server)\}/g;

/** `{name}` as the room sees them, `{user}` their Matrix id, `{localpart}` and `{server}` its halves. */
export function formedName(template: string, name: string, user: UserId): string {
  // One pass: what stands in a name is no template.
  return template.replace(words, (_, word: string) =>
    word === 'name' ? name : word === 'user' ? user : word === 'server' ? domainOf(user) : localpartOf(user),
  );
}

/** It tells people apart. */
export const namesSomebody = (template: string): boolean => /\{(?:name|user|localpart)\}/.test(template);

/** It tells even those apart who are called the same. */
export const namesExactly = (template: string): boolean => /\{user\}|\{localpart\}/.test(template);

// What a Matrix person is called on IRC: nick, user name and real name from the templates of the settings, in the characters
// that IRC allows. Pure; who holds which nick is known to the pool (puppets.ts).

import { domainOf, localpartOf, type UserId, visibleLine } from '#bridge-core';
import { transliterate } from './transliterate.ts';

export interface Who {
  readonly user: UserId;
  /** Display name. */
  readonly name?: string | undefined;
}

const notInNicks = /[^A-Za-z0-9[\]\\`^{}|_-]+/g;

/** `{display}[m]` → `alice[m]`, at most `nicklen` long; the template's own text is kept whole, the name cut. With `copy` over
 *  0 the number follows: `alice[m]1`. */
export function nickFor(template: string, who: Who, nicklen: number, copy = 0): string {
  const number = copy === 0 ? '' : String(copy);
  const local = nickWord(localpartOf(who.user)) || 'matrix';
  const words: Record<string, string> = {
    display: nickWord(who.name ?? '') || local,
    localpart: local,
    domain: domainOf(who.user).replace(/[^A-Za-z0-9-]+/g, '-'),
  };
  const fixed = nickWord(template.replace(/\{[^{}]*\}/g, ''));
  const budget = Math.max(1, nicklen - fixed.length - number.length);
  const filled = template.replace(/\{([^{}]*)\}/g, (_, word: string) => (words[word] ?? '').slice(0, budget));
  const nick = legalStart(filled.replace(notInNicks, ''));
  return nick.slice(0, Math.max(1, nicklen - number.length)) + number;
}

/** A nick that a person asked for, as near as IRC allows; undefined where nothing of it can stand in one. */
export function wishedNick(wish: string, nicklen: number): string | undefined {
  const nick = nickWord(wish);
  return nick === '' ? undefined : legalStart(nick).slice(0, nicklen);
}

/** Another nick after a server's refusal: counted up at the end, cut where needed. `tries` from 1. */
export function nextNick(nick: string, tries: number, nicklen: number): string {
  const number = String(tries);
  return nick.slice(0, Math.max(1, nicklen - number.length)) + number;
}

/** A user name (ident): at most ten of the characters that every server takes, a letter first. */
export function usernameFor(template: string, who: Who): string {
  const text = transliterate(fill(template, who)).toLowerCase();
  const word = text.replace(/[^a-z0-9._-]+/g, '').replace(/^[^a-z]+/, '');
  return word.slice(0, 10) || 'matrix';
}

export function realnameFor(template: string, who: Who): string {
  return visibleLine(fill(template, who), 48) || who.user;
}

function fill(template: string, who: Who): string {
  const words: Record<string, string> = {
    display: who.name || localpartOf(who.user),
    localpart: localpartOf(who.user),
    domain: domainOf(who.user),
    user: who.user,
  };
  return template.replace(/\{([^{}]*)\}/g, (_, word: string) => words[word] ?? '');
}

function nickWord(text: string): string {
  return transliterate(text.trim()).replace(/\s+/g, '_').replace(notInNicks, '');
}

/** No digit and no dash may come first. */
function legalStart(nick: string): string {
  return /^[0-9-]/.test(nick) ? `M${nick}` : nick || 'matrix';
}

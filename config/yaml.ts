// YAML read together with where each thing stands. Values are those of YAML 1.2; tags and aliases are refused, since a config
// that can be read top to bottom needs neither and aliases can stand for endless text. Tells every fault it can go past.

import {
  boolCoreTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
import { messageOf } from '#bridge-core/host';
import type { Fault, Path, Place } from './faults.ts';
import { printPath } from './faults.ts';

export interface YamlSource {
  /** undefined where the text could not be read at all. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Where the value at `path` stands, or the nearest thing around it; `key`: where its name stands. */
  place(path: Path, part?: 'key' | 'value'): Place;
  /** True where nothing follows the key but a comment: somebody forgot the quotes around `#name`. */
  isComment(path: Path): boolean;
}

export function readYaml(text: string, file: string): YamlSource {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const locate = lineFinder(source, file);
  try {
    const events = parseEvents(source, { filename: file });
    const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT).length;
    if (documents > 1) return broken(locate(source.lastIndexOf('\n---') + 1), 'a second document', 'one document in a file', '');
    return new Reader(source, events, locate).read();
  } catch (error) {
    const mark = error instanceof YAMLException ? error.mark : undefined;
    const reason = error instanceof YAMLException ? error.reason : messageOf(error);
    const place = mark === undefined ? { file, line: 1, column: 1 } : locate(mark.position);
    return broken(place, reason, 'YAML', quotesHint(source.split(/\r\n|\n|\r/)[place.line - 1] ?? ''));
  }
}

/** What an unquoted text stands for: null, a truth value, a number or itself. */
export function resolvePlain(text: string): unknown {
  for (const tag of [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag]) {
    const value: unknown = tag.resolve(text, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return text;
}

class Reader {
  readonly #source: string;
  readonly #events: readonly Event[];
  readonly #locate: (offset: number) => Place;
  readonly #places = new Map<string, { key?: number; value: number }>();
  readonly #faults: Fault[] = [];
  #next = 0;

  constructor(source: string, events: readonly Event[], locate: (offset: number) => Place) {
    this.#source = source;
    this.#events = events;
    this.#locate = locate;
  }

  read(): YamlSource {
    this.#next = this.#events.findIndex((event) => event.type !== EVENT_ID.DOCUMENT);
    const value = this.#next < 0 || this.#events[this.#next]?.type === EVENT_ID.POP ? undefined : this.#node([], 0);
    if (value === undefined || value === null) return broken(this.#locate(0), 'nothing', 'a config', 'the file is empty');
    return {
      value,
      faults: this.#faults,
      place: (path, part = 'value') => this.#locate(this.#offset(path, part)),
      isComment: (path) => /^[ \t]*:?[ \t]*#/.test(this.#source.slice(this.#offset(path, 'value'))),
    };
  }

  #offset(path: Path, part: 'key' | 'value'): number {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)));
      if (place === undefined) continue;
      // Where the thing itself is missing, its parent is named by its key: that is where a line has to be added.
      return part === 'key' || length < path.length ? (place.key ?? place.value) : place.value;
    }
    return 0;
  }

  /** `after`: where an empty value would have stood. */
  #node(path: Path, after: number, key?: number): unknown {
    const event = this.#events[this.#next];
    this.#next += 1;
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return null;
    const start = event.type === EVENT_ID.ALIAS ? event.anchorStart : event.type === EVENT_ID.SCALAR ? event.valueStart : event.start;
    this.#places.set(JSON.stringify(path), { ...(key === undefined ? {} : { key }), value: start < 0 ? after : start - quoteOf(event) });
    if (event.type === EVENT_ID.ALIAS) {
      this.#refuse(
        path,
        `an alias, *${this.#source.slice(event.anchorStart, event.anchorEnd)}`,
        'the value written out',
        'a text that begins with * needs quotes',
      );
      return null;
    }
    if (event.tagStart >= 0) {
      const tag = this.#source.slice(event.tagStart, event.tagEnd);
      this.#refuse(path, `a tag, ${tag}`, 'values without tags', 'a text that begins with ! needs quotes');
    }
    if (event.type === EVENT_ID.SCALAR) {
      const text = start < 0 ? '' : getScalarValue(this.#source, event);
      return event.style === SCALAR_STYLE.PLAIN && event.tagStart < 0 ? resolvePlain(text) : text;
    }
    return event.type === EVENT_ID.SEQUENCE ? this.#sequence(path) : this.#mapping(path);
  }

  #sequence(path: Path): unknown[] {
    const items: unknown[] = [];
    while (!this.#closes()) items.push(this.#node([...path, items.length], this.#endOfLast()));
    return items;
  }

  #mapping(path: Path): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    while (!this.#closes()) {
      const { name, offset } = this.#key(path);
      const inner = [...path, name ?? '?'];
      const value = this.#node(inner, this.#endOfLast(), offset);
      if (name === undefined) continue;
      const twice = entries.has(name);
      if (twice) this.#refuse(inner, `the key ${JSON.stringify(name)} a second time`, 'each key once in a mapping', '');
      else entries.set(name, value);
    }
    return Object.fromEntries(entries);
  }

  /** No name: a key that is more than a name, refused already. */
  #key(path: Path): { name?: string; offset: number } {
    const event = this.#events[this.#next];
    if (event?.type === EVENT_ID.SCALAR && event.tagStart < 0) {
      this.#next += 1;
      return { name: event.valueStart < 0 ? '' : getScalarValue(this.#source, event), offset: event.valueStart - quoteOf(event) };
    }
    const inner = [...path, '?'];
    this.#node(inner, 0);
    this.#refuse(inner, 'a key that is more than a name', 'a name', 'a text that begins with [, {, ! or * needs quotes');
    return { offset: this.#offset(inner, 'value') };
  }

  #closes(): boolean {
    const event = this.#events[this.#next];
    if (event !== undefined && event.type !== EVENT_ID.POP) return false;
    this.#next += 1;
    return true;
  }

  #endOfLast(): number {
    const event = this.#events[this.#next - 1];
    if (event === undefined || !('valueEnd' in event) || event.valueEnd < 0) return 0;
    return event.style === SCALAR_STYLE.PLAIN ? event.valueEnd : event.valueEnd + 1;
  }

  #refuse(path: Path, found: string, allowed: string, hint: string): void {
    this.#faults.push({ ...this.#locate(this.#offset(path, 'value')), path: printPath(path), found, allowed, hint });
  }
}

/** Offsets of quoted texts begin behind the quote. */
function quoteOf(event: Event): number {
  return event.type === EVENT_ID.SCALAR && (event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED)
    ? 1
    : 0;
}

function broken(place: Place, found: string, allowed: string, hint: string): YamlSource {
  return { value: undefined, faults: [{ ...place, path: '', found, allowed, hint }], place: () => place, isComment: () => false };
}

function lineFinder(source: string, file: string): (offset: number) => Place {
  const starts = [0, ...[...source.matchAll(/\r\n|\n|\r/g)].map((match) => match.index + match[0].length)];
  return (offset) => {
    let line = starts.findLastIndex((start) => start <= Math.max(offset, 0));
    line = Math.max(line, 0);
    return { file, line: line + 1, column: Math.max(offset, 0) - (starts[line] ?? 0) + 1 };
  };
}

function quotesHint(line: string): string {
  if (/^\s*\t/.test(line)) return 'indent with spaces, not with tabs';
  if (/[\s:,{[]\$\{/.test(line)) return 'between braces a variable needs quotes';
  const sign = /(?:^|[\s:{[,-])([@`%*!&|>])[^\s]/.exec(line)?.[1] ?? /(?:^|[\s{,])(\*)\s*:/.exec(line)?.[1];
  return sign === undefined ? '' : `a text that begins with ${sign} needs quotes`;
}

// HTML as a stream of opened and closed elements and of text: always properly nested, never deeper than `deepest`, in
// time linear to the input whatever it holds. What an element means is left to from-html.ts.

import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';

export type Attributes = ReadonlyMap<string, string>;

export interface HtmlListener {
  /** Every `open` is followed by its `close`, those of `br`, `hr` and `img` at once. */
  open(name: string, attributes: Attributes): void;
  close(): void;
  text(words: string): void;
}

/** Elements open at once; what lies deeper is read as if its tags were not there. Tags that mean nothing do not count. */
const deepest = 200;

const childless = new Set(['br', 'hr', 'img']);

/** Gone with all that they hold. Those after `mx-reply` hold no words that a reader would see. */
const dropped = new Set(['mx-reply', 'script', 'style', 'template', 'title']);

/** On an element that only repeats the name of a per-message profile, for clients that cannot show one. */
const repeatedName = 'data-mx-profile-fallback';

const blocks =
  'address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table ul';

/** The end tags that HTML lets an author leave out: opening the key closes these, where they are innermost. */
const closes = new Map<string, ReadonlySet<string>>([
  ...blocks.split(' ').map((name): [string, Set<string>] => [name, new Set(['p'])]),
  ['a', new Set(['a'])],
  ['li', new Set(['li', 'p'])],
  ['dd', new Set(['dd', 'dt', 'p'])],
  ['dt', new Set(['dd', 'dt', 'p'])],
  ['td', new Set(['td', 'th', 'p'])],
  ['th', new Set(['td', 'th', 'p'])],
  ['tr', new Set(['td', 'th', 'tr', 'p'])],
  ['tbody', new Set(['td', 'th', 'tr', 'thead', 'tbody', 'p'])],
]);

/** Reads to the end. Tags outside `known` are passed over, their text is not. */
export function readHtml(html: string, known: ReadonlySet<string>, listener: HtmlListener): void {
  const tokenizer = new Tokenizer({}, new Reader(html, known, listener));
  tokenizer.write(html);
  tokenizer.end();
}

const none: Attributes = new Map();

class Reader implements TokenizerCallbacks {
  readonly #html: string;
  readonly #known: ReadonlySet<string>;
  readonly #listener: HtmlListener;
  readonly #open: string[] = [];
  /** Elements that were opened below `deepest`: as many end tags belong to them. */
  #flattened = 0;
  /** The element being dropped, and how many of its name are open within it. */
  #drop: { readonly name: string; depth: number } | undefined;
  #tag = '';
  #attributes: Map<string, string> | undefined;
  #attribute = '';
  #value = '';

  constructor(html: string, known: ReadonlySet<string>, listener: HtmlListener) {
    this.#html = html;
    this.#known = known;
    this.#listener = listener;
  }

  ontext(start: number, end: number): void {
    if (this.#drop === undefined) this.#listener.text(this.#html.slice(start, end));
  }

  ontextentity(codePoint: number): void {
    if (this.#drop === undefined) this.#listener.text(String.fromCodePoint(codePoint));
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase();
    this.#attributes = undefined;
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#html.slice(start, end).toLowerCase();
    this.#value = '';
  }

  onattribdata(start: number, end: number): void {
    this.#value += this.#html.slice(start, end);
  }

  onattribentity(codePoint: number): void {
    this.#value += String.fromCodePoint(codePoint);
  }

  onattribend(): void {
    if (!this.#known.has(this.#tag)) return;
    this.#attributes ??= new Map();
    if (!this.#attributes.has(this.#attribute)) this.#attributes.set(this.#attribute, this.#value);
  }

  onselfclosingtag(): void {
    this.onopentagend();
  }

  onopentagend(): void {
    const name = this.#tag;
    if (this.#drop !== undefined) {
      if (name === this.#drop.name) this.#drop.depth += 1;
    } else if (dropped.has(name) || this.#attributes?.has(repeatedName)) {
      this.#drop = { name, depth: 1 };
    } else if (this.#known.has(name)) {
      this.#begin(name, this.#attributes ?? none);
    }
  }

  #begin(name: string, attributes: Attributes): void {
    const implied = closes.get(name);
    if (implied !== undefined && this.#flattened === 0) {
      for (let last = this.#open.at(-1); last !== undefined && implied.has(last); last = this.#open.at(-1)) this.#closeLast();
    }
    if (childless.has(name)) {
      this.#listener.open(name, attributes);
      this.#listener.close();
    } else if (this.#open.length >= deepest) {
      this.#flattened += 1;
    } else {
      this.#open.push(name);
      this.#listener.open(name, attributes);
    }
  }

  onclosetag(start: number, end: number): void {
    const name = this.#html.slice(start, end).toLowerCase();
    if (this.#drop !== undefined) {
      if (name === this.#drop.name) this.#drop.depth -= 1;
      if (this.#drop.depth === 0) this.#drop = undefined;
    } else if (name === 'br') {
      this.#begin('br', none);
    } else if (!this.#known.has(name) || childless.has(name)) {
      return;
    } else if (this.#flattened > 0) {
      this.#flattened -= 1;
    } else {
      const at = this.#open.lastIndexOf(name);
      while (at >= 0 && this.#open.length > at) this.#closeLast();
    }
  }

  #closeLast(): void {
    this.#open.pop();
    this.#listener.close();
  }

  onend(): void {
    while (this.#open.length > 0) this.#closeLast();
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
}

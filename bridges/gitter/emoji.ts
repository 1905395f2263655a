// Emoji by the names that Gitter's people write between colons: GitHub's. Signs themselves every client of Gitter shows, so that they go
// there as they are. The names are read when the first is asked for.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let loaded: ReadonlyMap<string, string> | undefined;

/** `smile`, without its colons. Undefined: no sign is called so; a picture of Gitter's own may be. */
export function signNamed(name: string): string | undefined {
  loaded ??= load();
  return loaded.get(name.toLowerCase());
}

function load(): Map<string, string> {
  const file = fileURLToPath(import.meta.resolve('emojibase-data/en/shortcodes/github.json'));
  const table = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string | string[]>;
  const signs = new Map<string, string>();
  for (const [code, names] of Object.entries(table)) {
    const sign = asPicture(String.fromCodePoint(...code.split('-').map((each) => Number.parseInt(each, 16))));
    for (const name of typeof names === 'string' ? [names] : names) signs.set(name, sign);
  }
  return signs;
}

/** What is a letter to Unicode unless it is told otherwise. */
function asPicture(sign: string): string {
  return /^\p{Emoji}$/u.test(sign) && !/^\p{Emoji_Presentation}$/u.test(sign) ? `${sign}\ufe0f` : sign;
}

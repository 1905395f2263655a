// The old bridge's lists of names: each an exact name or a regular expression between slashes. Ours are globs, which say the same of
// most; the others are told, since a list that is read more widely than it was meant lets in whom it was to keep out.

import type { OldKeys } from './old-keys.ts';

export function globsOf(from: OldKeys, name: string, spelt: (each: string) => string = (each) => each): string[] {
  return from.texts(name).flatMap((each) => {
    const glob = globOf(each);
    if (glob !== undefined) return [spelt(glob)];
    from.note(name, `${each} cannot be said as a glob, and is left out: write what is meant with * and ?`);
    return [];
  });
}

function globOf(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith('/') || !text.endsWith('/')) return /[*?]/.test(text) ? undefined : text;
  const match = /^\/(\^?)(.*?)(\$?)\/$/.exec(text);
  const [, start = '', inner = '', end = ''] = match ?? [];
  let glob = '';
  for (const [piece] of inner.matchAll(/\.\*|\.\+|\\.|./gs)) {
    if (piece === '.*') glob += '*';
    else if (piece === '.+') glob += '?*';
    else if (piece === '.') glob += '?';
    else if (/^\\[^\w*?]$/.test(piece)) glob += piece.slice(1);
    else if (/^[\w#@:/ -]$/.test(piece)) glob += piece;
    else return undefined;
  }
  return `${start === '' ? '*' : ''}${glob}${end === '' ? '*' : ''}`.replace(/\*+/g, '*');
}

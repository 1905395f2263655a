// Names in other scripts written with Latin letters, so that they can be part of a nick. Reads well enough to be recognised;
// scripts that it does not know are left out, and the caller takes another name.

const pairs = (from: string, to: string): [string, string][] => {
  const latin = to.split(' ');
  return Array.from(from, (letter, at) => [letter, latin[at] ?? '']);
};

const letters = new Map<string, string>([
  ...pairs('ßæœøđðþłħıŋŧĸſ', 'ss ae oe o d d th l h i ng t q s'),
  ...pairs('абвгдежзиклмнопрстуфхцчшщъыьэюя', 'a b v g d e zh z i k l m n o p r s t u f kh ts ch sh shch  y  e yu ya'),
  ...pairs('єґљњћђџјѕ', 'ye g lj nj c d dz j dz'),
  ...pairs('αβγδεζηθικλμνξοπρσςτυφχψω', 'a v g d e z i th i k l m n x o p r s s t y f ch ps o'),
]);

// Hangul comes apart into its letters under NFKD: leading consonants, vowels, closing consonants, each in code order.
const leading = 'g kk n d tt r m b pp s ss  j jj ch k t p h'.split(' ');
const vowels = 'a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i'.split(' ');
const closing = 'k k k n n n t l k m l l l p l m p p t t ng t t k t p h'.split(' ');

/** ASCII only. */
export function transliterate(name: string): string {
  let written = '';
  for (const letter of name.normalize('NFKD')) {
    const code = letter.codePointAt(0) ?? 0;
    if (code < 0x80) written += letter;
    else written += hangul(code) ?? cased(letter);
  }
  return written;
}

function hangul(code: number): string | undefined {
  if (code >= 0x1100 && code <= 0x1112) return leading[code - 0x1100];
  if (code >= 0x1161 && code <= 0x1175) return vowels[code - 0x1161];
  if (code >= 0x11a8 && code <= 0x11c2) return closing[code - 0x11a8];
  return undefined;
}

/** `Щ` → `Shch`. Combining marks, and whatever has no letter here, vanish. */
function cased(letter: string): string {
  const small = letter.toLowerCase();
  const latin = letters.get(small) ?? '';
  return small === letter || latin === '' ? latin : latin.charAt(0).toUpperCase() + latin.slice(1);
}

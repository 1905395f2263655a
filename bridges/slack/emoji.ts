// Emoji by the names that Slack has for them, and back: aliases, skin tones, a workspace's own. The names are emojibase's
// (its iamcal set is Slack's); they are read when the first one is asked for, so that a process without Slack never holds them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a workspace's own emoji is: an address, `alias:other`, or nothing. */
export type CustomEmoji = (name: string) => string | undefined;

export type Emoji = { readonly sign: string } | { readonly address: string };

/** `name` as `wave` or `wave::skin-tone-3`, without the colons around it. */
export function emojiNamed(name: string, custom: CustomEmoji = () => undefined): Emoji | undefined {
  let wanted = name;
  // A workspace may name its emoji round in a circle.
  for (let step = 0; step < longestChain; step += 1) {
    const known = signNamed(wanted);
    if (known !== undefined) return { sign: known };
    const found = custom(bare(wanted));
    if (found === undefined) return undefined;
    const alias = /^alias:(.+)$/.exec(found)?.[1];
    if (alias === undefined) return isAddress.test(found) ? { address: found } : undefined;
    wanted = [alias, ...name.split('::').slice(1)].join('::');
  }
  return undefined;
}

const longestChain = 10;
// On this machine is Slack's own where its API is; whoever fetches it sees to that.
const isAddress = /^(?:https|http(?=:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/])):\/\/\S+$/;

/** The sign that Unicode has under this name, with the selector that makes it a picture where it needs one. */
export function signNamed(name: string): string | undefined {
  const [base = '', ...tones] = name.split('::');
  const code = names().codes.get(base);
  if (code === undefined) return undefined;
  const sign = qualified(signOfCode(code));
  const tone = tones.map((each) => toneIn(each)).find((each) => each !== undefined);
  return tone === undefined ? sign : toned(sign, tone);
}

/** From the code points that Slack writes beside a name: `1f44b-1f3fb`. */
export function signOfCodes(codes: string): string | undefined {
  if (!/^[0-9a-f]{2,6}(?:-[0-9a-f]{2,6}){0,15}$/i.test(codes)) return undefined;
  const sign = codes.split('-').map((code) => Number.parseInt(code, 16));
  return sign.some((code) => code > 0x10ffff || code < 0x20 || (code >= 0xd800 && code <= 0xdfff))
    ? undefined
    : qualified(String.fromCodePoint(...sign));
}

/** Slack's name for a sign, `wave` or `wave::skin-tone-3`; undefined where it has none. */
export function nameOfSign(sign: string): string | undefined {
  const plain = sign.replace(/[\ufe0e\ufe0f]/g, '');
  const exact = names().names.get(plain);
  if (exact !== undefined) return exact;
  const tones = [...new Set(plain.match(/[\u{1f3fb}-\u{1f3ff}]/gu))];
  const name = tones.length === 1 ? names().names.get(plain.replace(/[\u{1f3fb}-\u{1f3ff}]/gu, '')) : undefined;
  return name === undefined ? undefined : `${name}::skin-tone-${(tones[0]?.codePointAt(0) ?? 0) - firstTone}`;
}

/** The names of a reaction in Slack are those of its emoji; in Matrix its key is the sign, with the selector wherever Unicode
 *  allows one, or `:name:` with the picture beside it. */
export function reactionNamed(name: string, custom?: CustomEmoji): { readonly emoji: string; readonly address?: string } {
  const found = emojiNamed(name, custom);
  if (found === undefined) return { emoji: `:${bare(name)}:` };
  return 'sign' in found ? { emoji: asPicture(found.sign) } : { emoji: `:${bare(name)}:`, address: found.address };
}

/** Emoji as they stand in a text; a test with `hasEmoji` first is much cheaper. */
export const emojiIn = /\p{RGI_Emoji}\ufe0f?/gv;

export const hasEmoji = (text: string): boolean =>
  /\u20e3|[\xa9\xae\u203c\u2049\u2122-\u2b55\u3030\u303d\u3297\u3299\u{1f000}-\u{1faff}]/u.test(text);

const bare = (name: string): string => name.split('::')[0] ?? '';

const firstTone = 0x1f3f9;

/** Slack counts from 2: 1 is the colour without a tone. */
function toneIn(word: string): string | undefined {
  const number = /^skin-tone-([2-6])(?:-[2-6])?$/.exec(word)?.[1];
  return number === undefined ? undefined : String.fromCodePoint(firstTone + Number(number));
}

/** Where Unicode knows no such pair of sign and tone, the tone is left out. In a sequence hands that are held bear none. */
function toned(sign: string, tone: string): string {
  const held = sign.includes('\u200d') ? '\u{1f91d}' : '';
  const made = sign.replace(/(\p{Emoji_Modifier_Base})\ufe0f?/gu, (whole, base: string) => (base === held ? whole : base + tone));
  return /^\p{RGI_Emoji}$/v.test(made) ? made : sign;
}

function qualified(sign: string): string {
  const isText = /^\p{Emoji}$/u.test(sign) && !/^\p{Emoji_Presentation}$/u.test(sign) && !/^[\d#*]$/.test(sign);
  return isText ? `${sign}\ufe0f` : sign;
}

// Those of Unicode's emoji-variation-sequences.txt that are pictures without a selector too.
const mayHaveSelector =
  /^[\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u{1f004}\u{1f21a}\u{1f22f}\u{1f30d}-\u{1f30f}\u{1f315}\u{1f31c}\u{1f378}\u{1f393}\u{1f3a7}\u{1f3ac}-\u{1f3ae}\u{1f3c2}\u{1f3c4}\u{1f3c6}\u{1f3ca}\u{1f3e0}\u{1f3ed}\u{1f408}\u{1f415}\u{1f41f}\u{1f426}\u{1f442}\u{1f446}-\u{1f449}\u{1f44d}\u{1f44e}\u{1f453}\u{1f46a}\u{1f47d}\u{1f4a3}\u{1f4b0}\u{1f4b3}\u{1f4bb}\u{1f4bf}\u{1f4cb}\u{1f4da}\u{1f4df}\u{1f4e4}-\u{1f4e6}\u{1f4ea}-\u{1f4ed}\u{1f4f7}\u{1f4f9}-\u{1f4fb}\u{1f508}\u{1f50d}\u{1f512}\u{1f513}\u{1f550}-\u{1f567}\u{1f610}\u{1f687}\u{1f68d}\u{1f691}\u{1f694}\u{1f698}\u{1f6ad}\u{1f6b2}\u{1f6b9}\u{1f6ba}\u{1f6bc}]$/u;

function asPicture(sign: string): string {
  return mayHaveSelector.test(sign) ? `${sign}\ufe0f` : sign;
}

interface Names {
  /** Code points as emojibase writes them, by name. */
  readonly codes: ReadonlyMap<string, string>;
  /** By the sign, without selectors. */
  readonly names: ReadonlyMap<string, string>;
}

let loaded: Names | undefined;

function names(): Names {
  loaded ??= load();
  return loaded;
}

function load(): Names {
  const file = fileURLToPath(import.meta.resolve('emojibase-data/en/shortcodes/iamcal.json'));
  const table = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string | string[]>;
  const codes = new Map<string, string>([['simple_smile', '1F642']]);
  const byName = new Map<string, string>();
  for (const [code, given] of Object.entries(table)) {
    const all = typeof given === 'string' ? [given] : given;
    for (const name of all) codes.set(name, code);
    const [first] = all;
    if (first !== undefined) byName.set(signOfCode(code).replaceAll('\ufe0f', ''), first);
  }
  return { codes, names: byName };
}

const signOfCode = (code: string): string => String.fromCodePoint(...code.split('-').map((each) => Number.parseInt(each, 16)));

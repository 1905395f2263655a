import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emojiNamed, nameOfSign, reactionNamed, signNamed, signOfCodes } from '../../../bridges/slack/emoji.ts';
import { reactionName } from '../../../bridges/slack/reactions.ts';
import { names } from './known-people.ts';

interface Known {
  readonly hexcode: string;
  readonly text: string;
}

const dataOf = (path: string): unknown => JSON.parse(readFileSync(fileURLToPath(import.meta.resolve(`emojibase-data/${path}`)), 'utf8'));
const custom = (name: string) => names.emoji('T1', name);

test('names and their aliases give the sign, with the selector where it is text without one', () => {
  for (const [name, sign] of [
    ['wave', '👋'],
    ['+1', '👍'],
    ['thumbsup', '👍'],
    ['heart', '❤\ufe0f'],
    ['flag-de', '🇩🇪'],
    ['hash', '#\ufe0f\u20e3'],
    ['simple_smile', '🙂'],
    ['man-heart-man', '👨\u200d❤\ufe0f\u200d👨'],
  ] as const) {
    assert.equal(signNamed(name), sign, name);
  }
  assert.equal(signNamed('constructor'), undefined);
});

test('skin tones are put where Unicode has them, and left out where it has none', () => {
  assert.equal(signNamed('wave::skin-tone-3'), '👋🏼');
  assert.equal(signNamed('point_up::skin-tone-6'), '☝🏿');
  assert.equal(signNamed('male-technologist::skin-tone-2'), '👨🏻\u200d💻');
  assert.equal(signNamed('people_holding_hands::skin-tone-4'), '🧑🏽\u200d🤝\u200d🧑🏽');
  assert.equal(signNamed('dog::skin-tone-4'), '🐶');
  assert.equal(signNamed('wave::skin-tone-9'), '👋');
});

test('a sign has one name, with or without selectors, its tone beside it', () => {
  for (const [sign, name] of [
    ['👍', '+1'],
    ['👍\ufe0f', '+1'],
    ['❤', 'heart'],
    ['❤\ufe0f', 'heart'],
    ['👋🏼', 'wave::skin-tone-3'],
    ['🧑🏽\u200d🤝\u200d🧑🏽', 'people_holding_hands::skin-tone-4'],
    ['🏻', 'skin-tone-2'],
  ] as const) {
    assert.equal(nameOfSign(sign), name, sign);
  }
  assert.equal(nameOfSign('hello'), undefined);
  assert.equal(nameOfSign(''), undefined);
});

test('every name that Slack has leads to a sign that Unicode recommends, and back', () => {
  const table = dataOf('en/shortcodes/iamcal.json') as Record<string, string | string[]>;
  for (const given of Object.values(table)) {
    const [first = '', ...others] = [given].flat();
    const sign = signNamed(first) ?? '';
    assert.match(sign, /^\p{RGI_Emoji}$/v, first);
    assert.equal(nameOfSign(sign), first);
    for (const name of others) assert.equal(signNamed(name), sign);
  }
});

test('the code points that stand beside a name are read alone', () => {
  assert.equal(signOfCodes('1f44b-1f3fb'), '👋🏻');
  assert.equal(signOfCodes('2764-fe0f'), '❤\ufe0f');
  assert.equal(signOfCodes('2764'), '❤\ufe0f');
  for (const codes of ['', 'zz', '110000', 'd800', '0a', '1f44b-'.repeat(30)]) assert.equal(signOfCodes(codes), undefined, codes);
});

test('a workspace’s own are followed to their address, round in a circle to nothing', () => {
  const address = 'https://emoji.example.org/T1/parrot/1.gif';
  assert.deepEqual(emojiNamed('party_parrot', custom), { address });
  assert.deepEqual(emojiNamed('dance-again', custom), { address });
  assert.deepEqual(emojiNamed('party', custom), { sign: '🎉' });
  for (const name of ['here_and', 'broken', 'insecure', 'unheard-of']) assert.equal(emojiNamed(name, custom), undefined, name);
});

test('a reaction’s key has the selector wherever Unicode allows it, as Matrix asks', () => {
  assert.deepEqual(reactionNamed('+1'), { emoji: '👍\ufe0f' });
  assert.deepEqual(reactionNamed('+1::skin-tone-2'), { emoji: '👍🏻' });
  assert.deepEqual(reactionNamed('tada'), { emoji: '🎉' });
  assert.deepEqual(reactionNamed('dance', custom), { emoji: ':dance:', address: 'https://emoji.example.org/T1/parrot/1.gif' });
  assert.deepEqual(reactionNamed('unheard-of', custom), { emoji: ':unheard-of:' });
  const single = (dataOf('en/data.json') as Known[]).filter(({ text, hexcode }) => text !== '' && !hexcode.includes('-'));
  for (const { hexcode } of single) {
    const sign = String.fromCodePoint(Number.parseInt(hexcode, 16));
    const name = nameOfSign(sign);
    if (name !== undefined) assert.equal(reactionNamed(name).emoji, `${sign}\ufe0f`, hexcode);
  }
});

test('a key of Matrix finds its name in Slack; what stands between colons Slack itself may know', () => {
  assert.equal(reactionName('👍\ufe0f'), '+1');
  assert.equal(reactionName('👋🏼'), 'wave::skin-tone-3');
  assert.equal(reactionName(':Dance:'), 'dance');
  assert.equal(reactionName(':wave::skin-tone-3:'), 'wave::skin-tone-3');
  for (const key of ['agreed!', '', ':', '::']) assert.throws(() => reactionName(key), { code: 'UNSUPPORTED' }, key);
});

test('a process that never asks for a name holds none', () => {
  const module = join(import.meta.dirname, '../../../bridges/slack/formatter.ts');
  const script = `
    const opened = [];
    const fs = await import('node:fs');
    const { syncBuiltinESMExports } = await import('node:module');
    const read = fs.default.readFileSync;
    fs.default.readFileSync = (path, ...rest) => { opened.push(String(path)); return read(path, ...rest); };
    syncBuiltinESMExports();
    const { slackFormatter, noNames } = await import(${JSON.stringify(module)});
    const formatter = slackFormatter(noNames);
    formatter.parse({ text: 'hello' }, 'T1/C1');
    const before = opened.some((path) => path.includes('emojibase'));
    formatter.parse({ text: ':wave:' }, 'T1/C1');
    console.log(before, opened.some((path) => path.includes('emojibase')));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.equal(said.trim(), 'false true');
});

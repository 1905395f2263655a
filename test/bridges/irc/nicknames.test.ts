// What people are called on IRC: legal everywhere, recognisable, never longer than the server takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { userId } from '#bridge-core';
import { nextNick, nickFor, realnameFor, usernameFor, wishedNick } from '../../../bridges/irc/nicknames.ts';
import { transliterate } from '../../../bridges/irc/transliterate.ts';

const alice = userId('@alice:example.org');
const nick = (name: string | undefined, template = '{display}[m]', length = 30) => nickFor(template, { user: alice, name }, length);

test('names become nicks', () => {
  const cases: [string | undefined, string][] = [
    ['Alice', 'Alice[m]'],
    ['Alice Cooper', 'Alice_Cooper[m]'],
    ['Ænne Müller-Lüdenscheidt', 'Aenne_Muller-Ludenscheidt[m]'],
    ['Алиса Щукина', 'Alisa_Shchukina[m]'],
    ['Αλίκη', 'Aliki[m]'],
    ['김철수', 'gimcheolsu[m]'],
    ['Łukasz Þór', 'Lukasz_Thor[m]'],
    ['ａｌｉｃｅ', 'alice[m]'],
    ['𝔄𝔩𝔦𝔠𝔢', 'Alice[m]'],
    ['1337', 'M1337[m]'],
    ['-dash', 'M-dash[m]'],
    ['🦊', 'alice[m]'],
    ['日本語', 'alice[m]'],
    ['', 'alice[m]'],
    [undefined, 'alice[m]'],
    ['a!b@c:d,e*f?g', 'abcdefg[m]'],
    ['x'.repeat(100), `${'x'.repeat(27)}[m]`],
  ];
  for (const [name, expected] of cases) assert.equal(nick(name), expected, name);
});

test('the template is kept whole, the name is cut', () => {
  assert.equal(nick('Alexandrina', '{display}[m]', 9), 'Alexan[m]');
  assert.equal(nickFor('{display}[m]', { user: alice, name: 'Alexandrina' }, 9, 12), 'Alex[m]12');
  assert.equal(nick('Alexandrina', 'm-{localpart}', 30), 'm-alice');
  assert.equal(nick('Al', '{display}|{domain}', 30), 'Al|example-org');
  assert.equal(nickFor('{display}', { user: userId('@日本:example.org'), name: '日本' }, 30), 'matrix');
});

const legal = /^[A-Za-z[\]\\`^{}|_][A-Za-z0-9[\]\\`^{}|_-]*$/;

test('whatever the name, the nick is legal and short enough', () => {
  const template = fc.constantFrom('{display}[m]', '{localpart}', 'm-{display}', '{display}|{domain}', '{display}{localpart}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), template, fc.integer({ min: 5, max: 40 }), fc.integer({ min: 0, max: 200 }), (...given) => {
      const [name, form, length, copy] = given;
      const made = nickFor(form, { user: alice, name }, length, copy);
      assert.match(made, legal);
      assert.ok(made.length <= length, made);
      const wished = wishedNick(name, length);
      if (wished !== undefined) assert.ok(legal.test(wished) && wished.length <= length, wished);
      const next = nextNick(made, copy + 1, length);
      assert.ok(legal.test(next) && next.length <= length, next);
      assert.match(transliterate(name), /^[\0-\x7f]*$/);
    }),
  );
});

test('user names are few plain letters, real names one line', () => {
  const who = { user: userId('@_discord_1234567:example.org'), name: 'Bad\r\nNICK root' };
  assert.equal(usernameFor('{localpart}', who), 'discord_12');
  assert.equal(usernameFor('{display}', { user: alice, name: '日本' }), 'matrix');
  assert.equal(realnameFor('{user}', who), '@_discord_1234567:example.org');
  assert.equal(realnameFor('{display} ({user})', who), 'Bad NICK root (@_discord_1234567:example.org)');
  assert.equal(realnameFor('{display}', { user: alice, name: '\u202e\n' }), '@alice:example.org');
  assert.equal(Array.from(realnameFor('{display}', { user: alice, name: '😀'.repeat(100) })).length, 48);
  assert.equal(realnameFor('{display}', { user: alice, name: '👩‍👩‍👧 Lee' }), '👩‍👩‍👧 Lee');
});

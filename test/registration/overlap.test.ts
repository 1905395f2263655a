// Whether two namespaces can hold one name, decided on the patterns themselves and held against real matching.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { overlap } from '../../registration/overlap.ts';

test('namespaces of different kinds of ghosts do not meet', () => {
  assert.equal(overlap('^@irc_[^:]+_[^:]+:example\\.org$', '^@slack_[^:]+_[^:]+:example\\.org$'), false);
  assert.equal(overlap('^@irc_[^:]+:a\\.org$', '^@irc_[^:]+:b\\.org$'), false);
  assert.equal(overlap('^@ircbot:example\\.org$', '^@irc_[^:]+:example\\.org$'), false);
});

test('one that holds a part of the other meets it', () => {
  assert.equal(overlap('^@irc_[^:]+:example\\.org$', '^@irc_libera_[^:]+:example\\.org$'), true);
  assert.equal(overlap('@irc_.*', '^@irc_a:b$'), true);
  assert.equal(overlap('@(irc|slack)_.*:hs', '^@slack_x+:h[a-z]$'), true);
  assert.equal(overlap('@.*', '@x'), true);
});

test('a pattern is matched from the start, and to the end only where it says so', () => {
  assert.equal(overlap('@irc', '@irc_a:b$'), true);
  assert.equal(overlap('@irc$', '@irc_a:b$'), false);
  assert.equal(overlap('irc', '@irc'), false);
});

test('what only a full engine understands is not decided', () => {
  for (const pattern of ['(?=a)b', '(a)\\1', '(?<name>a)', 'a**', '[', '(a', 'a)', '{3}'])
    assert.equal(overlap(pattern, '.*'), undefined, pattern);
});

/** Patterns over a small alphabet, each beside how it is built. */
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\.', '[a-c]'),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => one + other),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
    fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}')).map(([one, sign]) => `(${one})${sign}`),
  ),
}));

test('whatever both patterns match, they are found to meet in', () => {
  const words = ['', 'a', 'b', 'aa', 'ab', 'ba', 'bb', 'aab', 'aba', 'abb', 'c', '.', 'a.b', 'aaaa', 'abab', 'cab'];
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const met = overlap(`^${one}$`, `^${other}$`);
      const common = words.find((word) => new RegExp(`^(?:${one})$`).test(word) && new RegExp(`^(?:${other})$`).test(word));
      if (common !== undefined) assert.equal(met, true, `${one} and ${other} both match ${JSON.stringify(common)}`);
    }),
    { numRuns: 500 },
  );
});

test('a pattern meets a single word exactly if it matches it', () => {
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), maxLength: 6 }), (one, word) => {
      const escaped = word.replaceAll('.', '\\.');
      assert.equal(overlap(`^${one}$`, `^${escaped}$`), new RegExp(`^(?:${one})$`).test(word), `${one} ${word}`);
    }),
    { numRuns: 500 },
  );
});

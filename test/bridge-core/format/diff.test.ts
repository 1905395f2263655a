import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editAsText } from '../../../bridge-core/format/diff.ts';

test('one small change of words in a longer text is told as a substitution', () => {
  assert.equal(editAsText('I think teh bridge works well', 'I think the bridge works well'), 's/teh/the/');
  assert.equal(editAsText('meet me at five at the old station', 'meet me at six at the old station'), 's/five/six/');
});

test('a word that came or went is told with its neighbour', () => {
  assert.equal(editAsText('this is certainly a good idea', 'this is certainly not a good idea'), 's/certainly/certainly not/');
  assert.equal(editAsText('this is certainly not a good idea', 'this is certainly a good idea'), 's/certainly not/certainly/');
});

test('where the old word stands twice, a neighbour tells which is meant', () => {
  assert.equal(editAsText('the cat and the dog sat down', 'the cat and a dog sat down'), 's/and the/and a/');
});

test('everything else is told whole', () => {
  for (const [before, after] of [
    ['short text', 'short test'],
    ['the same text as it was before', 'the same text as it was before'],
    ['one two three four five six', 'six five four three two one'],
    ['look at /etc/hosts and tell me', 'look at /etc/passwd and tell me'],
    ['a line\nand another line of text', 'a line\nand one more of them, quite new'],
    ['a long text that gets very short', 'a short text'],
    ['aaaa aaaa aaaa aaaa aaaa aaaa', 'aaaa aaaa aaab aaaa aaaa aaaa'],
  ] as const) {
    assert.equal(editAsText(before, after), `* ${after}`);
  }
});

test('a substitution, applied as people read it, always gives the new text', () => {
  const word = fc.constantFrom('a', 'b', 'word', 'words', '/', '', 'the', 'longer', 'x.y');
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 4, maxLength: 12 }),
      fc.nat(),
      fc.array(word, { maxLength: 2 }),
      fc.nat(2),
      (words, at, put, drop) => {
        const before = words.join(' ');
        const after = words.toSpliced(at % words.length, drop, ...put).join(' ');
        const told = editAsText(before, after);
        if (told.startsWith('* ')) {
          assert.equal(told, `* ${after}`);
          return;
        }
        const [, old = '', replacement = ''] = told.split('/');
        assert.equal(before.split(old).length, 2);
        assert.equal(before.split(old).join(replacement), after);
        assert.ok(told.length < after.length);
      },
    ),
    { numRuns: 2000 },
  );
});

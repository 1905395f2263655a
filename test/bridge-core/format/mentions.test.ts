import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findNames, imagesIn, mapImages, mapMentions, mentionedUsers, type Names } from '../../../bridge-core/format/mentions.ts';
import { type Block, fromPlain, type Inline, type Mentioned, type RichText, text } from '../../../bridge-core/format/rich-text.ts';
import { remoteUserId, userId } from '../../../bridge-core/ids.ts';
import { cpuTime } from '../../support/cpu-time.ts';

const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });
const mention = (of: Mentioned, words: string): Inline => ({ is: 'mention', of, text: words });
const alice = { user: userId('@alice:hs') };
const bob = { user: userId('@bob:hs') };
const ghost = { remote: remoteUserId('libera/carol') };

const everywhere = (of: readonly Inline[]): RichText => [
  { is: 'heading', level: 1, of },
  { is: 'quote', of: [{ is: 'list', items: [[paragraph({ is: 'bold', of })]] }] },
  { is: 'table', header: false, rows: [[of]] },
  { is: 'preformatted', text: 'alice' },
];

test('pictures are found and replaced wherever they stand', () => {
  const image = (source: string): Inline => ({ is: 'image', source, alt: ':x:' });
  const rich = everywhere([image('https://a/b'), text(' '), mention(bob, 'Bob')]);
  assert.deepEqual(imagesIn(rich), [image('https://a/b'), image('https://a/b'), image('https://a/b')]);
  assert.deepEqual(
    mapImages(rich, ({ alt }) => ({ is: 'image', source: 'mxc://a/b', alt })),
    everywhere([image('mxc://a/b'), text(' '), mention(bob, 'Bob')]),
  );
  const without = everywhere([text('a')]);
  assert.equal(
    mapImages(without, () => text('b')),
    without,
  );
});

test('mentions are replaced wherever they stand, and are words where nothing takes their place', () => {
  const replaced = mapMentions(everywhere([mention(alice, 'Alice'), text(' '), mention(bob, 'Bob')]), (of, words) =>
    'user' in of && of.user === '@alice:hs' ? mention(ghost, words.toLowerCase()) : undefined,
  );
  assert.deepEqual(replaced, everywhere([mention(ghost, 'alice'), text(' '), text('Bob')]));
});

test('a text without mentions is handed back as it is', () => {
  const rich = everywhere([text('a'), { is: 'break' }, { is: 'code', text: 'b' }]);
  assert.equal(
    mapMentions(rich, () => undefined),
    rich,
  );
  assert.equal(
    findNames(rich, () => undefined),
    rich,
  );
});

test('the users named are told each once, in order', () => {
  const rich = everywhere([mention(bob, 'b'), mention(alice, 'a'), mention(ghost, 'c'), mention(bob, 'B')]);
  assert.deepEqual(mentionedUsers(rich), ['@bob:hs', '@alice:hs']);
  assert.deepEqual(mentionedUsers(fromPlain('alice')), []);
});

describe('names in plain words', () => {
  const names: Names = (word) => (word === 'alice' ? alice : word === 'b[o]b|away' ? bob : undefined);
  const found = (body: string): string =>
    findNames(fromPlain(body), names)
      .flatMap((block) => (block.is === 'paragraph' ? block.of : []))
      .map((inline) => (inline.is === 'mention' ? `<${inline.text}>` : inline.is === 'text' ? inline.text : '/'))
      .join('');

  test('are found as whole words, with any punctuation around them', () => {
    assert.equal(found('alice'), '<alice>');
    assert.equal(found('ask alice, (alice) or “alice”: alice’s. alice!'), 'ask <alice>, (<alice>) or “<alice>”: <alice>’s. <alice>!');
    assert.equal(found('b[o]b|away: hi @alice\nalice: hi'), '<b[o]b|away>: hi @<alice>/<alice>: hi');
  });

  test('are not found within other words, addresses or paths', () => {
    for (const body of [
      'malice alices alice_ [alice] aliceé éalice alice-x alice|away Alice',
      'alice.example.org me@alice alice@example.org /home/alice https://a.b/alice #alice ~alice a.alice alice/x k=alice',
    ]) {
      assert.equal(found(body), body);
    }
  });

  test('are left alone in code, links and preformatted text', () => {
    const rich: RichText = [
      paragraph({ is: 'code', text: 'alice' }, { is: 'link', to: 'https://a', of: [{ is: 'bold', of: [text('alice')] }] }),
      { is: 'preformatted', text: 'alice' },
    ];
    assert.equal(findNames(rich, names), rich);
  });

  test('the one who is addressed is told apart from one who is only named', () => {
    const asked: [string, boolean][] = [];
    const note: Names = (word, isAddressed) => {
      asked.push([word, isAddressed]);
      return undefined;
    };
    findNames([paragraph({ is: 'bold', of: [text('al: hi, bo')] }, { is: 'break' }, text('cy, x'), text('di: y'))], note);
    assert.deepEqual(
      asked.filter(([, isAddressed]) => isAddressed).map(([word]) => word),
      ['al', 'cy'],
    );
    assert.equal(asked.length, 7);
  });

  test('a long text is one quick pass', () => {
    const rich = fromPlain('word '.repeat(200_000));
    let asked = 0;
    const took = cpuTime(() => {
      findNames(rich, () => {
        asked += 1;
        return undefined;
      });
    });
    assert.equal(asked, 200_000);
    assert.ok(took < 700, `${took} ms`);
  });
});

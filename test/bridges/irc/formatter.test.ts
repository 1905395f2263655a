import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Block, channelId, type Fit, fromPlain, type Inline, type RichText, text, userId } from '../../../bridge-core/index.ts';
import { ircFormatter } from '../../../bridges/irc/formatter.ts';
import { cpuTime } from '../../support/cpu-time.ts';
import { anyBlocks, anyInlines, anyWords, signsIn, wordsIn } from '../../support/rich-text.ts';

const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });
const channel = channelId('net/#chan');
const parse = (body: string): RichText => ircFormatter.parse(body, channel);
const inlines = (body: string): readonly Inline[] => parse(body).flatMap((block) => (block.is === 'paragraph' ? block.of : []));

const roomy: Fit = { bytes: 400, lines: 10, markup: true, style: 'text', mention: () => undefined };
const fitting = (changes: Partial<Fit>): Fit => ({ ...roomy, ...changes });
const print = (rich: RichText, changes: Partial<Fit> = {}): string[] => ircFormatter.print(rich, fitting(changes));
const printed = (...of: Inline[]): string => print([paragraph(...of)]).join('\n');
const bare = (words: string): string => words.replace(/\s+/gu, '');

describe('parse', () => {
  test('plain words are one text', () => {
    assert.deepEqual(parse('hello, *world*'), [paragraph(text('hello, *world*'))]);
    assert.deepEqual(parse(''), []);
  });

  test('each code switches its mark, the reset ends all', () => {
    assert.deepEqual(inlines('\x02a\x1db\x02c\x0fd \x1fe\x1f\x1ef\x1e\x11g\x11'), [
      { is: 'bold', of: [text('a'), { is: 'italic', of: [text('b')] }] },
      { is: 'italic', of: [text('c')] },
      text('d '),
      { is: 'underline', of: [text('e')] },
      { is: 'strike', of: [text('f')] },
      { is: 'code', text: 'g' },
    ]);
  });

  test('a mark that goes on is not broken by another that ends', () => {
    assert.deepEqual(inlines('\x02a\x0304b\x03c'), [
      { is: 'bold', of: [text('a'), { is: 'colour', ink: '#ff0000', of: [text('b')] }, text('c')] },
    ]);
  });

  test('colours: one or two digits, a background only after a comma with digits, 99 and a bare code for none', () => {
    const red = (words: string): Inline => ({ is: 'colour', ink: '#ff0000', of: [text(words)] });
    assert.deepEqual(inlines('\x034a'), [red('a')]);
    assert.deepEqual(inlines('\x03045'), [red('5')]);
    assert.deepEqual(inlines('\x034,a'), [red(',a')]);
    assert.deepEqual(inlines('\x034,2a'), [{ is: 'colour', ink: '#ff0000', paper: '#00007f', of: [text('a')] }]);
    assert.deepEqual(inlines('\x034,12,a\x033b'), [
      { is: 'colour', ink: '#ff0000', paper: '#0000fc', of: [text(',a')] },
      { is: 'colour', ink: '#009300', paper: '#0000fc', of: [text('b')] },
    ]);
    assert.deepEqual(inlines('\x0399,4a\x0399,99b\x03'), [{ is: 'colour', paper: '#ff0000', of: [text('a')] }, text('b')]);
    assert.deepEqual(inlines('\x0366a\x03'), [{ is: 'colour', ink: '#ffff71', of: [text('a')] }]);
  });

  test('hex colours, and colours turned round', () => {
    assert.deepEqual(inlines('\x04FF00aa,001122a\x04b'), [{ is: 'colour', ink: '#ff00aa', paper: '#001122', of: [text('a')] }, text('b')]);
    assert.deepEqual(inlines('\x034,2\x16a'), [{ is: 'colour', ink: '#00007f', paper: '#ff0000', of: [text('a')] }]);
    assert.deepEqual(inlines('\x16a\x16'), [text('a')]);
  });

  test('ink on paper of the same colour is a spoiler', () => {
    assert.deepEqual(inlines('x \x031,1\x02he\x02 dies\x03'), [
      text('x '),
      { is: 'spoiler', of: [{ is: 'bold', of: [text('he')] }, text(' dies')] },
    ]);
  });

  test('lines of one body are breaks, and no mark goes over them', () => {
    assert.deepEqual(inlines('\x02a\nb\r\n\nc'), [
      { is: 'bold', of: [text('a')] },
      ...[{ is: 'break' as const }, text('b'), { is: 'break' as const }, { is: 'break' as const }, text('c')],
    ]);
    assert.deepEqual(parse('\n\n'), []);
  });

  test('addresses become links, without the sentence around them', () => {
    const linked = (body: string): string =>
      inlines(body)
        .map((inline) => (inline.is === 'link' ? `<${inline.to}>` : inline.is === 'text' ? inline.text : ''))
        .join('');
    assert.equal(linked('see https://a.b/c?d=e#f, or (http://g.h/i)!'), 'see <https://a.b/c?d=e#f>, or (<http://g.h/i>)!');
    assert.equal(
      linked('https://en.wikipedia.org/wiki/A_(b) «https://a.b/»...'),
      '<https://en.wikipedia.org/wiki/A_(b)> «<https://a.b/>»...',
    );
    assert.equal(linked('[x](https://a.b/[c]) irc://h/#c ftp://h'), '[x](<https://a.b/[c]>) <irc://h/#c> <ftp://h>');
    assert.equal(linked('no: ://, http://, xhttp://a, javascript://a'), 'no: ://, http://, xhttp://a, javascript://a');
    assert.deepEqual(inlines('\x11https://a.b\x11'), [{ is: 'code', text: 'https://a.b' }]);
  });

  test('control characters do not survive, whatever the line holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(fc.constantFrom(...'\x00\x01\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f,019af\n\r'), fc.string()) }),
        (body) => {
          assert.doesNotMatch(wordsIn(parse(body)), /[\x00-\x09\x0b-\x1f\x7f]/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('print', () => {
  test('marks as codes, closed at the end', () => {
    assert.equal(printed({ is: 'bold', of: [text('a'), { is: 'italic', of: [text('b')] }] }, text(' c')), '\x02a\x1db\x02\x1d c');
    assert.equal(printed({ is: 'strike', of: [text('a')] }), '\x1ea\x0f');
    assert.equal(printed({ is: 'underline', of: [{ is: 'code', text: 'a' }] }), '\x1f\x11a\x0f');
  });

  test('marks as signs that hug the words, where codes are not wanted', () => {
    const of: Inline[] = [
      { is: 'bold', of: [text('a '), { is: 'italic', of: [text('b ')] }] },
      { is: 'strike', of: [text(' c')] },
      text(' '),
      { is: 'code', text: 'd' },
      { is: 'colour', ink: '#ff0000', of: [{ is: 'bold', of: [text('e'), { is: 'break' }, text('f'), { is: 'bold', of: [text('g')] }] }] },
      { is: 'spoiler', reason: 'why', of: [text('h')] },
    ];
    assert.deepEqual(print([paragraph(...of)], { markup: false }), ['*a _b_*  ~c~ `d`*e*', '*fg*(why) ||h||']);
  });

  test('colours take the nearest of the palette, and numbers after them stay text', () => {
    const red = (of: Inline[]): Inline => ({ is: 'colour', ink: '#fe0101', of });
    assert.equal(printed(red([text('5')]), text('6')), '\x03045\x03\x02\x026');
    assert.equal(printed(red([text(',5')])), '\x0304\x02\x02,5\x0f');
    assert.equal(printed(red([{ is: 'bold', of: [text(',5')] }])), '\x0304\x02,5\x0f');
    assert.equal(
      printed({ is: 'colour', paper: '#0000fc', of: [text('1'), red([text('2')])] }, red([text('3')])),
      '\x0399,121\x0304,122\x03\x03043\x0f',
    );
  });

  test('colours that the palette cannot tell apart do not hide the text', () => {
    assert.equal(printed({ is: 'colour', ink: '#ffffff', paper: '#fefefe', of: [text('a')] }), '\x0300a\x0f');
  });

  test('spoilers hide, with their reason before them', () => {
    assert.equal(
      printed({ is: 'spoiler', reason: 'end', of: [text('he '), { is: 'colour', ink: '#ff0000', of: [text('dies')] }] }, text('!')),
      '(end) \x0301,01he dies\x03!',
    );
  });

  test('links show words and address, or one of them where it says all', () => {
    const link = (to: string, words: string): Inline => ({ is: 'link', to, of: words === '' ? [] : [text(words)] });
    assert.equal(printed(link('https://a.b/c', 'this')), 'this (https://a.b/c)');
    assert.equal(printed(link('https://a.b/', 'a.b')), 'https://a.b/');
    assert.equal(printed(link('https://a.b/c', 'https://a.b/c')), 'https://a.b/c');
    assert.equal(printed(link('https://a.b/c', '')), 'https://a.b/c');
    assert.equal(printed(link('mailto:x@y.z', 'x@y.z')), 'x@y.z');
    assert.equal(printed(link('mailto:x@y.z', 'me')), 'me (x@y.z)');
  });

  test('people are called as the channel calls them, else as the author wrote', () => {
    const alice: Inline = { is: 'mention', of: { user: userId('@alice:hs') }, text: 'Alice A.' };
    const bob: Inline = { is: 'mention', of: { user: userId('@bob:hs') }, text: 'Bob' };
    const mention: Fit['mention'] = (who) => ('user' in who && who.user === '@alice:hs' ? 'alice[m]' : undefined);
    assert.deepEqual(print([paragraph(alice, text(': hi '), bob)], { mention }), ['alice[m]: hi Bob']);
    const all: Inline = { is: 'mention', of: { everyone: true }, text: '@room' };
    assert.deepEqual(print([paragraph(all, text(': hi'))], { mention }), ['@room: hi']);
    assert.deepEqual(print([paragraph({ is: 'bold', of: [alice] }, { is: 'mention', of: { room: '#r:hs' }, text: 'r:hs' })], { mention }), [
      '\x02alice[m]\x02#r:hs',
    ]);
  });

  test('blocks stand in lines of their own, empty ones left out', () => {
    const rich: RichText = [
      { is: 'heading', level: 1, of: [text('Title')] },
      paragraph(text('a'), { is: 'break' }, { is: 'break' }, text('b')),
      {
        is: 'list',
        items: [[paragraph(text('x'), { is: 'break' }, text('y')), { is: 'list', start: 9, items: [[paragraph(text('z'))]] }]],
      },
      { is: 'quote', of: [paragraph(text('q')), { is: 'quote', of: [paragraph(text('r'))] }] },
      { is: 'preformatted', language: 'c', text: 'if (a)\n\n\tb;' },
      {
        is: 'table',
        header: true,
        rows: [
          [[text('h')], [text('i')]],
          [[text('1'), { is: 'break' }, text('2')], [text('3')]],
        ],
      },
      { is: 'rule' },
      paragraph({ is: 'image', source: 'mxc://a/b', alt: ':x:' }, text(' x'), { is: 'superscript', of: [text('2')] }),
    ];
    assert.deepEqual(print(rich), [
      ...['\x02Title\x0f', 'a', 'b', '- x', '  y', '  9. z', '> q', '> > r', '\x11if (a)\x0f', '\x11    b;\x0f'],
      ...['\x02h\x02 | \x02i\x0f', '1 2 | 3', '---', ':x: x^2'],
    ]);
    assert.deepEqual(print(rich, { markup: false }).slice(8, 12), ['if (a)', '    b;', '*h* | *i*', '1 2 | 3']);
  });

  test('text can be no CTCP, and no second line', () => {
    assert.deepEqual(print([paragraph(text('\x01ACTION waves\x01'))]), ['ACTION waves']);
    assert.deepEqual(print([paragraph(text('a\r\nQUIT :x\0'))]), ['a  QUIT :x']);
    assert.deepEqual(print([paragraph(text(' '), { is: 'break' }, text('\x01'))]), []);
    const nick: Inline = { is: 'mention', of: { user: userId('@a:hs') }, text: 'a' };
    assert.deepEqual(print([paragraph(nick)], { mention: () => '\x01b\nc' }), ['b c']);
  });
});

describe('splitting', () => {
  test('at words, byte by byte', () => {
    assert.deepEqual(print(fromPlain('aaaa bbbb cccc'), { bytes: 9 }), ['aaaa bbbb', 'cccc']);
    assert.deepEqual(print(fromPlain('aaaa bbbb cccc'), { bytes: 8 }), ['aaaa', 'bbbb', 'cccc']);
    assert.deepEqual(print(fromPlain('éé éé éé'), { bytes: 9 }), ['éé éé', 'éé']);
  });

  test('within a long word, never within a character as people see it', () => {
    assert.deepEqual(print(fromPlain('a 漢字漢字'), { bytes: 8 }), ['a 漢字', '漢字']);
    const family = '👩‍👩‍👧‍👦';
    assert.deepEqual(print(fromPlain(family.repeat(3)), { bytes: 60 }), [family.repeat(2), family]);
    assert.deepEqual(print(fromPlain('e\u0301'.repeat(3)), { bytes: 7 }), ['e\u0301e\u0301', 'e\u0301']);
  });

  test('marks are closed and opened again, within the bytes', () => {
    const lines = print([paragraph(text('x '), { is: 'bold', of: [{ is: 'colour', ink: '#ff0000', of: [text('aaaa 5bbb cccc')] }] })], {
      bytes: 13,
    });
    assert.deepEqual(lines, ['x \x0304\x02aaaa\x0f', '\x0304\x025bbb\x0f', '\x0304\x02cccc\x0f']);
  });

  test('an address that fits a line alone stays whole', () => {
    const url = 'https://example.org/a/b';
    const bytes = url.length;
    assert.deepEqual(print(fromPlain(`see ${url} there`), { bytes }), ['see', url, 'there']);
    assert.deepEqual(print([paragraph({ is: 'link', to: url, of: [text('see this')] })], { bytes }), ['see this (', url, ')']);
    assert.deepEqual(print([paragraph({ is: 'bold', of: [text(`(${url})`)] })], { bytes }), ['\x02(\x0f', url, '\x02)\x0f']);
    assert.deepEqual(print([{ is: 'quote', of: fromPlain(url) }], { bytes }), [url]);
  });

  test('each line of a quote or an item says what it is', () => {
    assert.deepEqual(print([{ is: 'quote', of: fromPlain('aaaa bbbb') }], { bytes: 8 }), ['> aaaa', '> bbbb']);
    assert.deepEqual(print([{ is: 'list', items: [fromPlain('aaaa bbbb')] }], { bytes: 8 }), ['- aaaa', '  bbbb']);
  });

  test('lines too narrow for a character still come to an end', () => {
    assert.deepEqual(print(fromPlain('aé漢'), { bytes: 1 }), ['a', '?', '?']);
    assert.deepEqual(print([{ is: 'quote', of: [paragraph({ is: 'bold', of: [text('ab')] })] }], { bytes: 1 }), ['a', 'b']);
    assert.deepEqual(print(fromPlain('ab'), { bytes: 0 }), []);
    assert.deepEqual(print(fromPlain(`a${'\u0301'.repeat(5)}`), { bytes: 5 }), ['a\u0301\u0301', '\u0301\u0301', '\u0301']);
  });

  test('a very long text takes no long time', () => {
    const took = cpuTime(() => {
      assert.ok(print(fromPlain('漢字'.repeat(20_000))).length > 300);
      assert.ok(print(fromPlain('word '.repeat(20_000))).length > 240);
      assert.ok(print(fromPlain('(https://a.b/)'.repeat(5_000))).length > 100);
      assert.ok(print([paragraph(...Array.from({ length: 20_000 }, (): Inline => ({ is: 'bold', of: [text('ab')] })))]).length > 100);
    });
    assert.ok(took < 1500, `${took} ms`);
  });
});

describe('bodies of several lines, where the session can send them', () => {
  const lines = (...bodies: string[]): RichText => fromPlain(bodies.join('\n'));

  test('hold as many lines as there is room for', () => {
    const multiline = { bytes: 9, lines: 2 };
    assert.deepEqual(print(lines('a', 'b', 'c'), { multiline }), ['a\nb', 'c']);
    assert.deepEqual(print(lines('aaaa', 'bbbb', 'cccc'), { multiline }), ['aaaa\nbbbb', 'cccc']);
    assert.deepEqual(print(lines('aaaa', 'bbbbb', 'cccc'), { multiline }), ['aaaa', 'bbbbb', 'cccc']);
  });

  test('leave a long line whole, unless it stands alone', () => {
    const long = 'word '.repeat(20).trim();
    const multiline = { bytes: 150, lines: 20 };
    assert.deepEqual(print(lines('a', long), { bytes: 40, multiline }), [`a\n${long}`]);
    assert.deepEqual(print(lines(long), { bytes: 40, multiline }), print(lines(long), { bytes: 40 }));
    assert.deepEqual(print(lines(long, long), { bytes: 40, multiline }), print(lines(long, long), { bytes: 40 }));
  });

  test('keep within all limits and lose nothing, whatever the text', () => {
    const bytes = 60;
    fc.assert(
      fc.property(
        anyInlines({ breaks: true, colours: true }),
        fc.integer({ min: 60, max: 200 }),
        fc.integer({ min: 1, max: 5 }),
        (of, most, rows) => {
          const all: RichText = [paragraph(...of)];
          const bodies = print(all, { bytes, multiline: { bytes: most, lines: rows } });
          for (const body of bodies) {
            assert.ok(Buffer.byteLength(body) <= (body.includes('\n') ? most : bytes));
            const pieces = body.split('\n').map((line) => Math.ceil(Buffer.byteLength(line) / bytes));
            assert.ok(pieces.reduce((a, b) => a + b) <= rows);
            assert.doesNotMatch(body, /^\n|\n$|\n\n|[\r\0\x01]/);
          }
          assert.equal(bare(bodies.map((body) => wordsIn(parse(body))).join('')), bare(wordsIn(all)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('for any text', () => {
  const words = fc.oneof(anyWords, fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 300 }));

  test('every line fits and holds nothing that ends it', () => {
    const rich = fc.oneof(
      anyBlocks,
      words.map((body): RichText => [paragraph(text(body))]),
    );
    fc.assert(
      fc.property(rich, fc.integer({ min: 1, max: 120 }), fc.boolean(), (blocks, bytes, markup) => {
        for (const line of print(blocks, { bytes, markup })) {
          assert.ok(Buffer.byteLength(line) <= bytes, `${Buffer.byteLength(line)} > ${bytes}`);
          assert.doesNotMatch(line, /[\r\n\0\x01]/);
          assert.notEqual(line.trim(), '');
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('the lines together hold every character', () => {
    fc.assert(
      fc.property(anyInlines({ colours: true, breaks: true }), words, fc.integer({ min: 45, max: 120 }), (of, body, bytes) => {
        const all: RichText = [paragraph(...of, text(body))];
        const seen = print(all, { bytes }).map((line) => wordsIn(parse(line)));
        assert.equal(bare(seen.join('')), bare(wordsIn(all).replace(/[\x00-\x1f\x7f]/g, ' ')));
      }),
      { numRuns: 1000 },
    );
  });

  test('printed and parsed again it has the same words and marks', () => {
    fc.assert(
      fc.property(anyInlines({ colours: true }), fc.constantFrom(60, 10_000), (of, bytes) => {
        // An address that leaves no room for codes on its line is worth more than its marks.
        fc.pre(bytes > 60 || !wordsIn([paragraph(...of)]).includes('://'));
        const again = print([paragraph(...of)], { bytes }).flatMap(inlines);
        assert.deepEqual(signsIn(again), signsIn(of));
      }),
      { numRuns: 1000 },
    );
  });

  test('an address that fits is found whole in some line', () => {
    const url = fc.stringMatching(/^https:\/\/[a-z]{1,10}\.org\/[a-z0-9]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(url, anyWords), { minLength: 1, maxLength: 12 }), fc.constantFrom('', '(', '<'), (pieces, before) => {
        const body = pieces.map((piece) => before + piece).join(' ');
        const lines = print([paragraph(text(body))], { bytes: 50 });
        for (const piece of pieces.filter((other) => other.startsWith('https://'))) {
          assert.ok(lines.some((line) => line.includes(piece)));
        }
      }),
      { numRuns: 500 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutToBytes, formatLine, parseLine } from '../../../../bridges/irc/wire/message.ts';

test('tags, sender, command and params are told apart', () => {
  const line = parseLine(
    '@time=2026-01-01T00:00:00.000Z;+draft/reply=a\\sb\\:c\\\\;flag :nick!~user@host.test privmsg #tea :hello : there',
  );
  assert.deepEqual(
    { ...line, tags: { ...line.tags } },
    {
      tags: { time: '2026-01-01T00:00:00.000Z', '+draft/reply': 'a b;c\\', flag: '' },
      nick: 'nick',
      user: '~user',
      host: 'host.test',
      command: 'PRIVMSG',
      params: ['#tea', 'hello : there'],
    },
  );
});

test('a server speaks under its own name, and a bare nick is a nick', () => {
  assert.deepEqual(pick(parseLine(':irc.fake.test 001 bridge :Welcome')), ['irc.fake.test', '', '', '001', 'bridge', 'Welcome']);
  assert.deepEqual(pick(parseLine(':anna QUIT')), ['anna', '', '', 'QUIT']);
  assert.deepEqual(pick(parseLine('PING :a b')), ['', '', '', 'PING', 'a b']);
  assert.deepEqual(pick(parseLine(':a!b@c TOPIC #tea :')), ['a', 'b', 'c', 'TOPIC', '#tea', '']);
});

function pick({ nick, user, host, command, params }: ReturnType<typeof parseLine>): string[] {
  return [nick, user, host, command, ...params];
}

test('whatever comes, the parser neither throws nor invents a line break', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('@', ':', ' ', ';', '=', '\\', 'a', '!', '\0') }),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const line = parseLine(text.replace(/[\r\n]/g, ''));
      assert.equal(typeof line.command, 'string');
      assert.ok(!line.command.includes(' '));
    }),
    { numRuns: 500 },
  );
});

test('the colon is set only where the last param needs it', () => {
  assert.equal(formatLine({ command: 'join', params: ['#tea'] }), 'JOIN #tea');
  assert.equal(formatLine({ command: 'PRIVMSG', params: ['#tea', 'hi there'] }), 'PRIVMSG #tea :hi there');
  assert.equal(formatLine({ command: 'PRIVMSG', params: ['#tea', ':)'] }), 'PRIVMSG #tea ::)');
  assert.equal(formatLine({ command: 'TOPIC', params: ['#tea', ''] }), 'TOPIC #tea :');
  assert.equal(formatLine({ command: 'QUIT', params: [] }), 'QUIT');
});

test('a middle param cannot become another one', () => {
  assert.equal(formatLine({ command: 'KICK', params: ['#tea evil', ':x', '', 'why not'] }), 'KICK #teaevil x * :why not');
});

test('what is no command is refused', () => {
  assert.throws(() => formatLine({ command: '\r\n', params: [] }), { code: 'BAD_REQUEST' });
  assert.equal(formatLine({ command: 'QUIT\r\nJOIN #x', params: [] }), 'QUITJOINX');
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('\r', '\n', '\0', ' ', ':', 'a', 'ü', '🫖') }),
);
const tagName = fc.constantFrom('label', '+draft/reply', '+typing', 'batch', '+example.org/x', 'bad name', '', '+', 'a=b', 'a;b', '\n');
const outLine = fc.record({
  tags: fc.dictionary(tagName, text),
  command: fc.constantFrom('PRIVMSG', 'notice', 'TOPIC', 'KICK'),
  params: fc.array(text, { maxLength: 5 }),
});

test('no CR, LF or NUL is ever written, whatever the params and tags hold', () => {
  fc.assert(
    fc.property(outLine, (line) => {
      assert.doesNotMatch(formatLine(line), /[\r\n\0]/);
    }),
    { numRuns: 1_000 },
  );
});

test('what is written is read back the same, but for what cannot be written', () => {
  fc.assert(
    fc.property(outLine, (line) => {
      const back = parseLine(formatLine(line));
      const clean = (value: string) => value.replace(/[\r\n\0]/g, '');
      const expected = line.params.map((param, i) =>
        i === line.params.length - 1 ? clean(param) : clean(param).replaceAll(' ', '').replace(/^:+/, '') || '*',
      );
      assert.equal(back.command, line.command.toUpperCase());
      assert.deepEqual(back.params, expected);
      for (const [name, value] of Object.entries(back.tags)) assert.equal(value, line.tags[name]?.replaceAll('\0', ''));
    }),
    { numRuns: 1_000 },
  );
});

test('client tags keep within their budget, the first ones first', () => {
  const tags = { label: 'x', '+draft/reply': 'ü'.repeat(2_000), '+draft/react': 'y'.repeat(200) };
  const line = formatLine({ command: 'TAGMSG', params: ['#tea'], tags });
  const section = line.slice(1, line.indexOf(' '));
  assert.ok(Buffer.byteLength(section) <= 4_094);
  assert.ok(section.startsWith('label=x;+draft/reply=ü'));
  assert.ok(!section.includes('react'));
});

test('texts are cut by bytes and never within a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(80), (whole, bytes) => {
      const cut = cutToBytes(whole, bytes);
      assert.ok(Buffer.byteLength(cut) <= bytes);
      assert.ok(whole.startsWith(cut));
      assert.ok(Buffer.byteLength(whole) <= bytes ? cut === whole : Buffer.byteLength(cut) > bytes - 4);
    }),
  );
});

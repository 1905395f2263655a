import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isupportFrom } from '../../../../bridges/irc/wire/isupport.ts';

test('what a real server says is understood', () => {
  const support = isupportFrom([
    'CASEMAPPING=rfc1459',
    'CHANTYPES=#',
    'PREFIX=(yqaohv)!~&@%+',
    'CHANMODES=Ibeg,k,Hl,ACKMRTcimnprst',
    'NICKLEN=32',
    'LINELEN=4096',
    'TOPICLEN=307',
    'NETWORK=Test\\x20Net\\x3D',
    'STATUSMSG=!~&@%+',
    'UTF8ONLY',
    'MONITOR=1000',
  ]);
  assert.deepEqual([...support.prefix].slice(0, 2), [
    ['y', '!'],
    ['q', '~'],
  ]);
  assert.deepEqual(support.chanmodes, ['Ibeg', 'k', 'Hl', 'ACKMRTcimnprst']);
  assert.deepEqual([support.nicklen, support.linelen, support.topiclen], [32, 4096, 307]);
  assert.equal(support.network, 'Test Net=');
  assert.equal(support.statusmsg, '!~&@%+');
  assert.equal(support.utf8only, true);
  assert.equal(support.get('monitor'), '1000');
  assert.equal(support.get('UTF8ONLY'), '');
  assert.equal(support.get('WHOX'), undefined);
});

test('where nothing is said, the old rules stand', () => {
  const support = isupportFrom([]);
  assert.equal(support.casemapping, 'rfc1459');
  assert.equal(support.chantypes, '#&');
  assert.equal(support.linelen, 512);
  assert.deepEqual([...support.prefix.keys()], ['o', 'v']);
  assert.equal(support.utf8only, false);
});

test('senseless and hostile values are ignored or capped', () => {
  for (const value of ['abc', '-5', '0', '', '1e9', ' 12', '99999999999999999999', '0x20']) {
    const support = isupportFrom([`NICKLEN=${value}`, `LINELEN=${value}`, `TOPICLEN=${value}`]);
    assert.deepEqual([support.nicklen, support.linelen, support.topiclen], [30, 512, 390], value);
  }
  assert.equal(isupportFrom(['LINELEN=100']).linelen, 512);
  assert.equal(isupportFrom(['LINELEN=999999999']).linelen, 8_192);
  assert.equal(isupportFrom(['NICKLEN=100000']).nicklen, 256);
  assert.equal(isupportFrom(['CHANTYPES=abc#']).chantypes, '#&', 'a letter would make every nick a channel');
  for (const value of ['(ov)@', '(ov', 'ov@+', '(o)@+', '(öv)@+'])
    assert.deepEqual([...isupportFrom([`PREFIX=${value}`]).prefix.keys()], ['o', 'v']);
  assert.equal(isupportFrom(['PREFIX=']).prefix.size, 0);
  for (const value of ['b', 'b,k', '', 'b,k,l,1,2']) assert.equal(isupportFrom([`CHANMODES=${value}`]).chanmodes[3], 'imnpst');
});

test('tokens are taken back one by one, and the old object is left alone', () => {
  const before = isupportFrom(['NETWORK=Fake', 'WHOX', 'TOPICLEN=80']);
  const after = isupportFrom(['-WHOX', '-topiclen', 'NETWORK=Other'], before);
  assert.deepEqual([after.network, after.get('WHOX'), after.topiclen], ['Other', undefined, 390]);
  assert.deepEqual([before.network, before.get('WHOX'), before.topiclen], ['Fake', '', 80]);
});

test('connections that were told the same share one object', () => {
  const tokens = ['NICKLEN=16', 'NETWORK=Shared'];
  assert.equal(isupportFrom(tokens), isupportFrom([...tokens].reverse()));
  assert.notEqual(isupportFrom(tokens), isupportFrom(['NICKLEN=17', 'NETWORK=Shared']));
});

test('any tokens at all leave limits that can be worked with', () => {
  const token = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .tuple(fc.constantFrom('NICKLEN', 'LINELEN', 'TOPICLEN', 'PREFIX', 'CHANMODES', 'CHANTYPES', 'CASEMAPPING', 'STATUSMSG'), fc.string())
      .map(([name, value]) => `${name}=${value}`),
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 300 }), fc.string(), (tokens, name) => {
      const support = isupportFrom(tokens);
      assert.ok(support.nicklen >= 1 && support.nicklen <= 256);
      assert.ok(support.linelen >= 512 && support.linelen <= 8_192);
      assert.equal(support.chanmodes.length, 4);
      for (const [mode, sign] of support.prefix) assert.ok(/^[A-Za-z]$/.test(mode) && sign.length === 1);
      assert.doesNotMatch(support.chantypes, /[A-Za-z0-9]/);
      assert.equal(typeof support.fold(name), 'string');
    }),
    { numRuns: 300 },
  );
});

test('each case mapping folds what it should and nothing else', () => {
  const fold = (mapping: string, name: string) => isupportFrom([`CASEMAPPING=${mapping}`]).fold(name);
  assert.equal(fold('ascii', 'ABC[]\\^Ü'), 'abc[]\\^Ü');
  assert.equal(fold('rfc1459', 'ABC[]\\^Ü'), 'abc{}|~Ü');
  assert.equal(fold('rfc1459-strict', 'ABC[]\\^Ü'), 'abc{}|^Ü');
  assert.equal(fold('strict-rfc1459', '[^'), '{^');
  assert.equal(fold('rfc7613', 'ÄPFEL\uff21'), 'äpfela');
  assert.equal(fold('unheard-of', 'ABCÜ['), 'abcü[');
});

test('folding twice is folding once, and what folds alike differs only in case', () => {
  for (const mapping of ['ascii', 'rfc1459', 'rfc1459-strict', 'rfc7613', 'other']) {
    const support = isupportFrom([`CASEMAPPING=${mapping}`]);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(fc.constantFrom(...'aAzZ[]\\^{}|~_-'), fc.string({ minLength: 1, maxLength: 1 })) }),
        (name) => {
          const folded = support.fold(name);
          assert.equal(support.fold(folded), folded);
        },
      ),
    );
  }
});

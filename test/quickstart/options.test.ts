// The words after `npm run quickstart --`.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readOptions } from '../../quickstart/options.ts';

it('nothing said: servers of its own, until Ctrl-C', () => {
  assert.deepEqual(readOptions([]), {
    once: false,
    homeserver: undefined,
    registration: undefined,
    appserviceUrl: undefined,
    irc: undefined,
  });
});

it('takes a homeserver and an IRC server that run already', () => {
  const words = ['--homeserver', 'http://hs.test:8008/', '--registration-secret', 's', '--irc', '[::1]:6697', '--once'];
  const options = readOptions(words);
  assert.deepEqual(options?.homeserver, { url: 'http://hs.test:8008', secret: 's' });
  assert.deepEqual(options?.irc, { host: '::1', port: 6697, tls: true });
  assert.equal(options?.once, true);
});

for (const [words, reason] of [
  [['--onec'], /unknown option '--onec'.*Did you mean --once\?/s],
  [['extra'], /too many arguments/],
  [['--homeserver', 'http://127.0.0.1:8008'], /needs --registration-secret/],
  [['--homeserver', 'hs.test', '--registration-secret', 's'], /must begin with http/],
  [['--registration-secret', 's'], /give --homeserver URL too/],
  [['--irc', 'irc.test'], /must be HOST:PORT/],
  [['--irc', 'irc.test:70000'], /must be HOST:PORT/],
] as const) {
  it(`refuses ${words.join(' ')}, and says why`, () => {
    assert.throws(() => readOptions(words), { name: 'SetupError', message: reason });
  });
}

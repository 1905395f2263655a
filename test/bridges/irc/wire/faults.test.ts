import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endingOf, socketEnding } from '../../../../bridges/irc/wire/faults.ts';

const said: readonly (readonly [string, readonly string[]])[] = [
  [
    'throttled NETWORK_BUSY',
    [
      'Closing Link: 192.0.2.1 (Throttled: Reconnecting too fast) -Email admin@irc.test for more information.',
      'Closing Link: [192.0.2.1] (Too many host connections (local))',
      'Closing link: (~u@192.0.2.1) [No more connections allowed from your host via this connect class (local)]',
      'Closing Link: 192.0.2.1 (Too many user connections (global))',
      'Trying to reconnect too fast.',
      'Your host is trying to (re)connect too fast -- throttled',
      'Closing Link: bridge[192.0.2.1] (Throttled: banned for 60 seconds)',
      'Closing Link: 192.0.2.1 (Session limit exceeded)',
      'Closing Link: 192.0.2.1 (Excess Flood)',
      'Closing link: (~u@192.0.2.1) [RecvQ exceeded]',
      'Sorry, server is full - try later',
    ],
  ],
  [
    'banned NETWORK_BANNED',
    [
      'Closing Link: 192.0.2.1 (K-Lined)',
      'Closing Link: 192.0.2.1 (G-lined: open proxy)',
      'Closing link: (~u@192.0.2.1) [Z-lined: spam]',
      'Closing Link: 192.0.2.1 (D-lined)',
      'Closing Link: 192.0.2.1 (*** Banned (no bridges))',
      'Closing Link: 192.0.2.1 (User has been permanently banned from TestNet)',
      'Closing Link: 192.0.2.1 (Killed (OperServ (AKILL ID:12: spam)))',
      'Closing Link: 192.0.2.1 (Bad user info)',
      'Closing Link: 192.0.2.1 (Unauthorised connection)',
      'You are not authorized to connect to this server',
      'Closing Link: 192.0.2.1 (*** Your address is listed in a DNSBL)',
      'You are not welcome on this server',
    ],
  ],
  [
    'login NETWORK_LOGIN',
    [
      'Closing Link: 192.0.2.1 (SASL access only)',
      'Closing Link: 192.0.2.1 (Access denied: Bad password?)',
      'Closing Link: 192.0.2.1 (Password mismatch)',
      'Closing Link: 192.0.2.1 (You must identify via SASL)',
    ],
  ],
  [
    'killed NETWORK_BUSY',
    [
      'Closing Link: 192.0.2.1 (Killed (oper (you are banned for flooding)))',
      'Closing Link: irc.test (Killed (NickServ (GHOST command used by anna)))',
      'Closing Link: 192.0.2.1 (Nick collision)',
      'Closing Link: 192.0.2.1 (Nickname regained by services)',
      'Closing Link: 192.0.2.1 (Overridden by other sign on)',
    ],
  ],
  [
    'network NETWORK_UNREACHABLE',
    [
      'Closing Link: bridge[192.0.2.1] (Ping timeout: 240 seconds)',
      'Closing Link: 192.0.2.1 (Client Quit)',
      'Closing link: (~u@192.0.2.1) [Registration timeout]',
      'Closing Link: 192.0.2.1 (Read error: Connection reset by peer)',
      'Closing Link: 192.0.2.1 (Server shutdown: restarting)',
      'Closing Link: 192.0.2.1 (Max SendQ exceeded)',
      '',
    ],
  ],
];

test('the words of servers are told apart', () => {
  for (const [expected, texts] of said) {
    for (const text of texts) {
      const { fault, error } = endingOf(text, 'irc.test:6667');
      assert.equal(`${fault} ${error.code}`, expected, text);
      assert.ok(error.message.includes(text));
    }
  }
});

test('errors of TLS ask for the config to be mended, others to try again', () => {
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ]) {
    const { error } = socketEnding(Object.assign(new Error('refused'), { code }), 'irc.test:6697');
    assert.equal(`${error.name} ${error.code}`, 'ConfigError NETWORK_TLS', code);
  }
  const wrongPort = socketEnding(
    Object.assign(new Error('wrong version number'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }),
    'irc.test:6667',
  );
  assert.match(wrongPort.error.message, /does this port speak TLS/);
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH']) {
    const { error } = socketEnding(Object.assign(new Error('failed'), { code }), 'irc.test:6667');
    assert.equal(`${error.name} ${error.code}`, 'UnreachableError NETWORK_UNREACHABLE', code);
  }
  const both = new AggregateError([new Error('connect ECONNREFUSED ::1'), new Error('connect ECONNREFUSED 127.0.0.1')]);
  assert.match(socketEnding(both, 'localhost:6667').error.message, /ECONNREFUSED ::1/);
});

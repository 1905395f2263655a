import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAdapter } from './with-adapter.ts';

const start = (t: { after(end: () => Promise<void>): void }) =>
  withAdapter(t, { port: 1, network: { domain: 'irc.Local.test', aliases: ['chat.local.test'] } }).adapter;
const domain = 'irc.local.test';

test('a person is meant by network or by domain, in whatever letters', (t) => {
  const { lookups } = start(t);
  const [network] = lookups.networks();
  assert.ok(network);
  assert.equal(network.domain, domain);
  const found = lookups.user({ network: network.id, nick: 'Al[ce]' });
  assert.deepEqual(found?.fields, { domain, nick: found?.id.split('/')[1] });
  for (const name of [domain, 'IRC.local.TEST', 'chat.local.test']) assert.deepEqual(lookups.user({ domain: name, nick: 'aL[CE]' }), found);
});

test('a channel likewise', (t) => {
  const { lookups } = start(t);
  const network = lookups.networks()[0]?.id ?? '';
  const found = lookups.channel({ network, channel: '#Node' });
  assert.deepEqual(found, { id: `${network}/#node`, fields: { domain, channel: '#node' } });
  assert.deepEqual(lookups.channel({ domain, channel: '#NODE' }), found);
});

test('what IRC could not take for a name is nobody and nowhere', (t) => {
  const { lookups } = start(t);
  for (const nick of ['', '#node', 'a b', '1up', 'a!b@c', 'a,b', 'a*', '-x', 'irc.server.test:'])
    assert.equal(lookups.user({ domain, nick }), undefined, nick);
  for (const channel of ['', '#', 'node', '#a b', '#a,b', `#${'x'.repeat(300)}`])
    assert.equal(lookups.channel({ domain, channel }), undefined, channel);
  assert.equal(lookups.user({ domain: 'elsewhere.test', nick: 'alice' }), undefined);
  assert.equal(lookups.user({ network: 'constructor', nick: 'alice' }), undefined);
  assert.equal(lookups.user({ nick: 'alice' }), undefined);
});

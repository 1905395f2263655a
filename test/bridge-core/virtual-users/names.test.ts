import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { remoteUserId, userId } from '../../../bridge-core/ids.ts';
import { namespaces, openNames } from '../../../bridge-core/virtual-users/names.ts';

const templates = { ghosts: 'irc_{network}_{nick}', aliases: 'irc_{network}_{channel}' };
const names = openNames({ ...templates, displayName: '{name}', domain: 'example.org', botLocalpart: 'ircbot' });

const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 8 })
  .filter((value) => Buffer.from(value, 'utf8').toString('utf8') === value);
const awkward = fc
  .array(fc.constantFrom('_', '=', 'a', '5f', '==', '{', 'É', '#', ':', '/'), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(''));

test('any person has one ghost, and the ghost tells the person', () => {
  fc.assert(
    fc.property(fc.oneof(text, awkward), fc.oneof(text, awkward), (network, nick) => {
      const ghost = names.ghostOf({ fields: { network, nick } });
      assert.match(ghost, /^@[a-z0-9._=/+-]+:example\.org$/);
      assert.ok(ghost.length <= 255);
      assert.ok(names.isGhost(ghost));
      assert.deepEqual({ ...names.fieldsOfGhost(ghost) }, { network, nick });
    }),
  );
});

test('different people never share a ghost', () => {
  fc.assert(
    fc.property(awkward, awkward, awkward, awkward, (a, b, c, d) => {
      const same = names.ghostOf({ fields: { network: a, nick: b } }) === names.ghostOf({ fields: { network: c, nick: d } });
      assert.equal(same, a === c && b === d);
    }),
  );
});

test('a separator that is a hexadecimal digit still splits exactly', () => {
  const odd = openNames({
    ghosts: 'x{network}5{nick}',
    aliases: 'x{network}5f{channel}',
    displayName: '',
    domain: 'a.b',
    botLocalpart: 'b',
  });
  fc.assert(
    fc.property(fc.oneof(text, awkward), fc.oneof(text, awkward), (network, other) => {
      assert.deepEqual({ ...odd.fieldsOfGhost(odd.ghostOf({ fields: { network, nick: other } })) }, { network, nick: other });
      assert.deepEqual({ ...odd.fieldsOfAlias(odd.aliasOf({ network, channel: other })) }, { network, channel: other });
    }),
  );
});

test('plain names stay readable', () => {
  assert.equal(names.ghostOf({ fields: { network: 'libera', nick: 'alice_' } }), '@irc_libera_alice_:example.org');
  assert.equal(names.ghostOf({ fields: { network: 'my_net', nick: '{al}' } }), '@irc_my=5fnet_=7bal=7d:example.org');
  assert.equal(names.aliasOf({ network: 'libera', channel: '#node' }), '#irc_libera_=23node:example.org');
});

test('an id that we would not write is nobody, though it is ours by shape', () => {
  const ghost = userId('@irc_libera_=61lice:example.org');
  assert.equal(names.isGhost(ghost), true);
  assert.equal(names.fieldsOfGhost(ghost), undefined);
  assert.equal(names.fieldsOfGhost(userId('@irc_libera_=ff:example.org')), undefined);
});

test('others are no ghosts: the bot, people, the same name elsewhere', () => {
  for (const id of [
    '@ircbot:example.org',
    '@alice:example.org',
    '@irc_libera_a:example.org.evil',
    '@irc_libera_a:other',
    '@irc_libera_:example.org',
    '@irc_libera_A:example.org',
  ])
    assert.equal(names.isGhost(userId(id)), false, id);
});

test('a name too long for Matrix is shortened, stays apart from its neighbours and is still a ghost', () => {
  const one = names.ghostOf({ fields: { network: 'n', nick: `${'é'.repeat(200)}1` } });
  const two = names.ghostOf({ fields: { network: 'n', nick: `${'é'.repeat(200)}2` } });
  assert.ok(one.length <= 255 && one !== two);
  assert.ok(names.isGhost(one));
  assert.equal(names.fieldsOfGhost(one), undefined);
});

test('namespaces take every ghost and alias, and no other', () => {
  const spaces = namespaces(templates, 'example.org', 'ircbot');
  const users = spaces.users.map(({ regex }) => new RegExp(regex));
  const owned = (id: string) => users.some((regex) => regex.test(id));
  fc.assert(fc.property(text, text, (network, nick) => owned(names.ghostOf({ fields: { network, nick } }))));
  assert.ok(owned('@ircbot:example.org'));
  assert.ok(!owned('@irc:example.org') && !owned('@irc_a_b:exampleXorg'));
  assert.ok(new RegExp(spaces.aliases[0]?.regex ?? '').test(names.aliasOf({ network: 'n', channel: '#c' })));
});

test('templates that could not be read back are refused with the reason', () => {
  for (const [ghosts, reason] of [
    ['irc', /names no field/],
    ['{network}_{nick}', /begin with fixed text/],
    ['irc_{network}{nick}', /between two fields/],
    ['irc_{nick}_{nick}', /twice/],
    ['irc={nick}', /may hold only/],
    ['IRC_{nick}', /may hold only/],
  ] as const)
    assert.throws(() => openNames({ ...templates, ghosts, displayName: '', domain: 'd', botLocalpart: 'b' }), reason);
});

test('a display name is filled from the person', () => {
  const shown = openNames({ ...templates, displayName: '{name} ({network})', domain: 'd', botLocalpart: 'b' });
  assert.equal(shown.displayNameOf({ id: remoteUserId('n/a'), name: 'Al $& ice', fields: { network: 'n', nick: 'a' } }), 'Al $& ice (n)');
});

test('signs that a network keeps in aliases stand there in capitals, both ways, and in no name of a ghost', () => {
  const gitter = { ghosts: 'gitter_{user}', aliases: 'gitter_{room}', displayName: '{name}', domain: 'd', botLocalpart: 'b' };
  const kept = openNames({ ...gitter, escapedInAliases: '/' });
  assert.equal(kept.aliasOf({ room: 'org/room-1' }), '#gitter_org=2Froom-1:d');
  assert.deepEqual(kept.fieldsOfAlias('#gitter_org=2Froom-1:d'), { room: 'org/room-1' });
  assert.equal(kept.fieldsOfAlias('#gitter_org=2froom-1:d'), undefined, 'one spelling is ours');
  assert.equal(kept.fieldsOfAlias('#gitter_org/room-1:d'), undefined);
  assert.equal(kept.ghostOf({ fields: { user: 'a/b' } }), '@gitter_a/b:d');
  const short = text.filter((room) => Buffer.byteLength(room) < 60);
  fc.assert(fc.property(short, (room) => assert.deepEqual(kept.fieldsOfAlias(kept.aliasOf({ room })), { room })));
});

test('who had a ghost of another bridge keeps it; the id that they would have is nobody’s', () => {
  const [old, left] = [userId('@irc_old_Alice:example.org'), userId('@irc_older_Alice:example.org')];
  const id = '@irc_libera_alice:example.org';
  const adopted = {
    byId: new Map([[id, old]]),
    idOf: new Map([
      [old, id],
      [left, undefined],
    ]),
  };
  const own = openNames({ ...templates, displayName: '{name}', domain: 'example.org', botLocalpart: 'ircbot', adopted });
  assert.equal(own.ghostOf({ fields: { network: 'libera', nick: 'alice' } }), old);
  assert.equal(own.ghostOf({ fields: { network: 'libera', nick: 'bob' } }), '@irc_libera_bob:example.org');
  assert.deepEqual({ ...own.fieldsOfGhost(old) }, { network: 'libera', nick: 'alice' });
  assert.equal(own.fieldsOfGhost(userId(id)), undefined);
  assert.deepEqual([own.isGhost(old), own.isGhost(left), own.fieldsOfGhost(left)], [true, true, undefined]);
  assert.deepEqual([own.isAdopted(old), own.isAdopted(left), own.isAdopted(userId('@irc_libera_bob:example.org'))], [true, true, false]);
});

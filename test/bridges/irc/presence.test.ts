// Who is where: one model, fed by lists and by comings and goings in any order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Presence } from '../../../bridges/irc/presence.ts';
import { isupportFrom } from '../../../bridges/irc/wire/isupport.ts';

const support = isupportFrom(['PREFIX=(ohv)@%+', 'CASEMAPPING=rfc1459']);

function watching(...channels: string[]): Presence {
  const presence = new Presence(() => support);
  for (const channel of channels) presence.watch(channel);
  return presence;
}

const nicks = (presence: Presence, channel: string) => [...presence.members(channel)].map((person) => person.nick).sort();

test('a list is read over several lines and replaces the one before', () => {
  const presence = watching('#a');
  presence.joined('#a', 'Old');
  presence.namesArrive('#a', '@Op +Voiced!v@host');
  assert.deepEqual(nicks(presence, '#a'), ['Old'], 'nobody is missing meanwhile');
  presence.namesArrive('#a', '@%+Both plain ');
  presence.namesEnd('#a');
  assert.deepEqual(nicks(presence, '#a'), ['Both', 'Op', 'Voiced', 'plain']);
  assert.equal(presence.signs('#a', 'both'), '@%+');
  assert.equal(presence.person('voiced')?.mask, 'v@host');
  assert.equal(presence.person('old'), undefined);
});

test('who comes and goes while the list arrives is right in the end', () => {
  const presence = watching('#a');
  presence.namesArrive('#a', 'alice bob');
  presence.joined('#a', 'carol');
  presence.left('#a', 'alice');
  presence.renamed('bob', 'bobby');
  presence.namesEnd('#a');
  assert.deepEqual(nicks(presence, '#a'), ['bobby', 'carol']);
});

test('a person is one over all channels', () => {
  const presence = watching('#a', '#b', '#c');
  for (const channel of ['#a', '#b']) presence.joined(channel, 'Zoe[1]', { mask: 'z@h', account: 'zoe' });
  assert.equal(presence.isIn('zoe{1}', '#a'), true);
  assert.equal(presence.person('zoe{1}')?.account, 'zoe');
  presence.renamed('Zoe[1]', 'zora');
  assert.deepEqual([nicks(presence, '#a'), nicks(presence, '#b')], [['zora'], ['zora']]);
  assert.equal(presence.person('zoe{1}'), undefined);
  presence.renamed('zora', 'ZORA');
  assert.equal(presence.person('zora')?.nick, 'ZORA');
  presence.left('#a', 'zora');
  assert.equal(presence.person('zora')?.mask, 'z@h');
  presence.quit('Zora');
  assert.equal(presence.person('zora'), undefined);
  assert.deepEqual(nicks(presence, '#b'), []);
});

test('what is not watched is not kept, and an end forgets all', () => {
  const presence = watching('#a');
  presence.joined('#elsewhere', 'zoe');
  presence.namesArrive('#elsewhere', 'zoe');
  presence.namesEnd('#elsewhere');
  assert.equal(presence.person('zoe'), undefined);
  presence.joined('#a', 'zoe');
  presence.unwatch('#a');
  assert.equal(presence.person('zoe'), undefined);
  assert.deepEqual(nicks(presence, '#a'), []);
});

test('modes move signs', () => {
  const presence = watching('#a');
  presence.joined('#a', 'zoe');
  presence.marked('#a', 'Zoe', '+', true);
  presence.marked('#a', 'zoe', '@', true);
  assert.equal(presence.signs('#a', 'zoe'), '@+');
  presence.marked('#a', 'zoe', '@', false);
  assert.equal(presence.signs('#a', 'zoe'), '+');
  presence.marked('#a', 'nobody', '@', true);
  assert.equal(presence.signs('#a', 'nobody'), '');
});

test('a rename onto a nick that we still think taken leaves one of them', () => {
  const presence = watching('#a', '#b');
  presence.joined('#a', 'one');
  presence.joined('#a', 'two');
  presence.joined('#b', 'two');
  presence.renamed('one', 'two');
  assert.deepEqual(nicks(presence, '#a'), ['two']);
  assert.deepEqual(nicks(presence, '#b'), []);
  presence.renamed('stranger', 'three');
  assert.equal(presence.person('three'), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { Links } from '../../../bridge-core/plumbing/links.ts';
import { channel, type Rig, room } from '../rig.ts';
import { build, infoKey, node, ownRoom, start } from './plumbing-rig.ts';

const key = 'irc://irc.libera.test/#node';

const claimIn = (rig: Rig, id: string, at = key) => rig.fake.room(id).stateOf('m.room.bridging', at)?.content;
test('a link is claimed, watched, shown to clients and live, and its claim passes through pending', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = ownRoom(rig, op);
  const link = await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  await plumb.settled();
  assert.equal(link.state, 'live');
  assert.deepEqual(claimIn(rig, id), { user_id: op, status: 'success' });
  const states = rig.fake.events(id).filter((event) => event.type === 'm.room.bridging');
  assert.deepEqual(
    states.map((event) => event.content.status),
    ['pending', 'success'],
  );
  assert.deepEqual(rig.network.watched, [node]);
  for (const type of ['m.bridge', 'uk.half-shot.bridge']) {
    const content = rig.fake.room(id).stateOf(type, infoKey)?.content;
    assert.equal(content?.bridgebot, rig.bot);
    assert.deepEqual(content?.channel, { id: '#node', displayname: '#node' });
  }
  assert.deepEqual(links.liveIn(room(id)), [links.get(link.id)]);
  assert.equal(new Links({ store: rig.reopen() }).find(room(id), node)?.claim, 'success');
});

test('the bot goes in where the room is open, and says whom to invite where it is not', async (t) => {
  const { rig, op, plumb } = await start(t);
  const open = rig.fake.createRoom({ creator: op, version: '11', levels: { users: { [op]: 100, [rig.bot]: 50 } } });
  await plumb.link({ room: room(open), channel: node, origin: 'command', requester: userId(op) });
  assert.ok(rig.fake.members(open).includes(rig.bot));
  const closed = rig.fake.createRoom({ creator: op, joinRule: 'invite' });
  await assert.rejects(plumb.link({ room: room(closed), channel: channel('#other'), origin: 'command' }), {
    code: 'FORBIDDEN_IN_ROOM',
    message: /invite @bridge:hs.test first/,
  });
});

test('of the links that a network shuts out, one that is taken away meanwhile keeps no other from being suspended', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  for (const name of ['#one', '#two'])
    await plumb.link({ room: room(ownRoom(rig, op)), channel: channel(name), origin: 'command', requester: userId(op) });
  const [one, two] = links.all();
  assert.ok(one !== undefined && two !== undefined);
  await Promise.all([links.remove(one.id), plumb.suspend([one, two], 'banned', 'The channel banned the bridge.')]);
  assert.deepEqual([links.get(one.id), links.get(two.id)?.state], [undefined, 'suspended']);
});

test('an encrypted room is refused and nothing is written there', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = ownRoom(rig, op, { encrypted: true });
  await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command' }), { code: 'ROOM_ENCRYPTED' });
  assert.equal(claimIn(rig, id), undefined);
  assert.equal(links.all().length, 0);
});

test('what another bridge holds is refused with its name, however the key is spelled', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const other = rig.fake.user('otherbot');
  const asker = rig.fake.user('carol');
  for (const spelling of [
    'irc://irc.libera.test/#node',
    'irc://IRC.Libera.Test/#NODE',
    'irc://libera.example/#Node',
    'irc://irc.libera.test/%23node',
    'irc://irc.libera.test:6697/#node',
    'ircs://irc.libera.test/#node',
  ]) {
    for (const content of [
      { user_id: asker, status: 'success' },
      { bridger: asker, status: 'pending' },
      { user_id: asker, status: 'busy' },
    ]) {
      const id = ownRoom(rig, op, { members: [other] });
      rig.fake.setState(other, id, 'm.room.bridging', spelling, content);
      await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command' }), (error: PermanentError) => {
        assert.equal(error.code, 'LINK_HELD', spelling);
        assert.match(error.message, new RegExp(`${other} \\(asked for by ${asker}\\) holds #node`));
        return true;
      });
      assert.deepEqual(claimIn(rig, id, spelling), content);
    }
  }
  assert.equal(links.all().length, 0);
});

test('a claim that failed, was cleared by hand, names another channel, or whose bridge left the room stops nobody', async (t) => {
  const { rig, op, plumb } = await start(t);
  const other = rig.fake.user('otherbot');
  const cases: [string, object][] = [
    [key, { user_id: op, status: 'failure' }],
    [key, {}],
    ['irc://irc.libera.test/#nodes', { user_id: op, status: 'success' }],
    ['irc://irc.oftc.test/#node', { user_id: op, status: 'success' }],
    ['irc://irc.libera.test/#node', { user_id: op, status: 'success' }],
  ];
  for (const [number, [spelling, content]] of cases.entries()) {
    const id = ownRoom(rig, op, { members: [other] });
    rig.fake.setState(other, id, 'm.room.bridging', spelling, content as Record<string, unknown>);
    if (number === cases.length - 1) rig.fake.leave(other, id);
    const link = await plumb.link({ room: room(id), channel: node, origin: 'config' });
    assert.equal(link.state, 'live');
  }
});

test('a bridge that was quicker gets its claim back, and keeps it against our next try', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const other = rig.fake.user('otherbot');
  const id = ownRoom(rig, op, { members: [other, rig.bot] });
  const theirs = { user_id: other, status: 'pending' };
  const read = rig.homeserver.fullState;
  // Between our look at the room and our claim they claim it.
  (rig.homeserver as { fullState: typeof read }).fullState = async (at) => {
    const state = await read.call(rig.homeserver, at);
    rig.fake.setState(other, id, 'm.room.bridging', key, theirs);
    return state;
  };
  await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command' }), {
    code: 'LINK_HELD',
    message: /@otherbot:hs.test/,
  });
  assert.deepEqual(claimIn(rig, id), { ...theirs, 'dev.causeway.holder': other });
  (rig.homeserver as { fullState: typeof read }).fullState = read;
  await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command' }), { code: 'LINK_HELD' });
  assert.deepEqual(claimIn(rig, id), { ...theirs, 'dev.causeway.holder': other });
  assert.equal(links.all().length, 0);
});

test('without transactions the room itself is asked whether the claim stands', async (t) => {
  const { rig, op, plumb } = await start(t);
  rig.onEvent = () => {};
  const link = await plumb.link({ room: room(ownRoom(rig, op)), channel: node, origin: 'command', requester: userId(op) });
  assert.equal(link.claim, 'success');
});

test('our own dead claim is failed first and the channel taken anew', async (t) => {
  const { rig, op, plumb } = await start(t);
  const id = ownRoom(rig, op, { members: [rig.bot] });
  rig.fake.setState(rig.bot, id, 'm.room.bridging', key, { user_id: op, status: 'success' });
  rig.fake.setState(rig.bot, id, 'm.room.bridging', 'irc://libera.example/#node', { user_id: op, status: 'success' });
  await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  const states = rig.fake.events(id).filter((event) => event.type === 'm.room.bridging' && event.state_key === key);
  assert.deepEqual(
    states.map((event) => event.content.status),
    ['success', 'failure', 'pending', 'success'],
  );
  assert.equal(claimIn(rig, id, 'irc://libera.example/#node')?.status, 'failure');
});

test('a command refuses where the bot lacks the power to claim, naming the level', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = rig.fake.createRoom({ creator: op, version: '11' });
  await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command' }), {
    code: 'FORBIDDEN_IN_ROOM',
    message: /has power level 0 in the room and needs 50/,
  });
  assert.equal(links.all().length, 0);
});

test('a link from config goes live without the power, says so, and is claimed once power is given', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = rig.fake.createRoom({ creator: op, version: '11' });
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.state, 'live');
  assert.equal(links.find(room(id), node)?.claim, 'none');
  assert.ok(rig.log.lines.some((line) => line.includes('needs 50 to claim')));
  rig.fake.setState(op, id, 'm.room.power_levels', '', { users: { [op]: 100, [rig.bot]: 50 } });
  plumb.reconsider(room(id));
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.claim, 'success');
  assert.equal(claimIn(rig, id)?.status, 'success');
});

test('a room of version 12 whose creator is the bot needs no level', async (t) => {
  const { rig, plumb } = await start(t);
  const id = rig.fake.createRoom({ creator: rig.bot });
  assert.ok(!id.includes(':'));
  const link = await plumb.link({ room: room(id), channel: node, origin: 'command' });
  assert.equal(link.claim, 'success');
});

test('a channel that shuts the bot out leaves a failed claim and no link', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  rig.network.watching = async () => {
    throw new PermanentError('CHANNEL_CLOSED', '#node is invite-only');
  };
  const id = ownRoom(rig, op);
  await assert.rejects(plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) }), { code: 'CHANNEL_CLOSED' });
  assert.deepEqual(claimIn(rig, id), { user_id: op, status: 'failure' });
  assert.equal(links.all().length, 0);
});

test('one room for each channel by command, any number from config', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const [one, two, three] = [ownRoom(rig, op), ownRoom(rig, op), ownRoom(rig, op)];
  await plumb.link({ room: room(one), channel: node, origin: 'command' });
  await assert.rejects(plumb.link({ room: room(two), channel: node, origin: 'command' }), { code: 'LINK_EXISTS', message: /another room/ });
  rig.network.configured = [
    { room: room(two), channel: node },
    { room: room(three), channel: node },
  ];
  plumb.resume();
  await plumb.settled();
  assert.equal(links.liveOn(node).length, 3);
  const twice = [1, 2].map(() => plumb.suspend(links.byRoom(room(two)), 'banned', 'The channel banned the bridge.'));
  await Promise.all(twice);
  assert.equal(links.liveOn(node).length, 2);
  assert.deepEqual(rig.told, [{ room: two, text: 'The channel banned the bridge.' }]);
  await plumb.link({ room: room(two), channel: node, origin: 'command' });
  assert.equal(links.liveOn(node).length, 3, 'what is suspended is taken up again by command');
  assert.equal(links.byRoom(room(two))[0]?.reason, undefined);
});

test('the same command again finds itself done; another one is told that the link exists', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const wish = { room: room(ownRoom(rig, op)), channel: node, origin: 'command', requester: userId(op), cause: '$command' } as const;
  const link = await plumb.link(wish);
  assert.equal((await plumb.link(wish)).id, link.id);
  await assert.rejects(plumb.link({ ...wish, cause: '$later' }), { code: 'LINK_EXISTS' });
  assert.equal(links.all().length, 1);
});

test('unlinking fails the claim, empties the bridge info, stops listening and forgets the link', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = ownRoom(rig, op);
  const link = await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  await plumb.settled();
  await plumb.unlink(link, 'asked for');
  assert.equal(claimIn(rig, id)?.status, 'failure');
  assert.deepEqual(rig.fake.room(id).stateOf('m.bridge', infoKey)?.content, {});
  assert.deepEqual(rig.network.unwatched, [node]);
  assert.deepEqual(links.all(), []);
});

test('after a restart links are live at once, with no request to the homeserver', async (t) => {
  const first = await start(t);
  const { rig, op } = first;
  const id = ownRoom(rig, op);
  await first.plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  await first.plumb.settled();
  rig.reopen();
  await rig.fake.down();
  rig.network.watched.length = 0;
  const second = build(rig, t);
  second.plumb.resume();
  assert.equal(second.links.liveOn(node).length, 1);
  assert.deepEqual(rig.network.watched, [node]);
  await rig.fake.up();
  const before = rig.fake.events(id).length;
  await second.plumb.settled();
  assert.equal(rig.fake.events(id).length, before, 'nothing had changed, so nothing was written');
});

test('links that vanished from the config are unlinked, new ones are linked, a pending one is brought to its end', async (t) => {
  const first = await start(t);
  const { rig, op } = first;
  const [kept, gone, late] = [ownRoom(rig, op), ownRoom(rig, op), ownRoom(rig, op)];
  rig.network.configured = [
    { room: room(kept), channel: node },
    { room: room(gone), channel: node },
  ];
  first.plumb.resume();
  await first.plumb.settled();
  await first.links.add({ room: room(late), channel: channel('#late'), origin: 'command', requester: userId(op) });
  rig.network.configured = [
    { room: room(kept), channel: node },
    { room: room(late), channel: channel('#new') },
  ];
  rig.reopen();
  const second = build(rig, t);
  second.plumb.resume();
  await second.plumb.settled();
  assert.deepEqual(
    second.links
      .all()
      .map((link) => [link.room, link.channel, link.state])
      .sort(),
    [
      [kept, node, 'live'],
      [late, channel('#late'), 'live'],
      [late, channel('#new'), 'live'],
    ].sort(),
  );
  assert.equal(claimIn(rig, gone)?.status, 'failure');
});

test('a link from config that cannot be made stands suspended with the reason, and is tried again once the bot is let in', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = ownRoom(rig, op, { joinRule: 'invite' });
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.state, 'suspended');
  assert.match(links.find(room(id), node)?.reason ?? '', /invite @bridge:hs.test first/);
  rig.fake.invite(op, id, rig.bot);
  plumb.reconsider(room(id));
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.state, 'live');
});

test('a network that is away does not keep a link from config from going live', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  let tries = 0;
  rig.network.watching = async () => {
    tries += 1;
    if (tries < 3) throw new RetryableError('NETWORK_UNREACHABLE', 'away', { after: 10 });
  };
  const id = ownRoom(rig, op);
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.state, 'live');
  assert.equal(tries, 3);
});

test('a foreign claim over a live one is answered once, and suspends the link when it comes again', async (t) => {
  const { rig, op, plumb, links, guard } = await start(t);
  const other = rig.fake.user('otherbot');
  const id = ownRoom(rig, op, { members: [other] });
  await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  const heard: Promise<void>[] = [];
  rig.onEvent = (event) => {
    if (guard.seen(event)) heard.push(guard.defend(event));
  };
  rig.fake.setState(other, id, 'm.room.bridging', key, { user_id: other, status: 'pending' });
  await rig.fake.drained();
  await Promise.all(heard);
  assert.deepEqual(claimIn(rig, id), { user_id: op, status: 'success' });
  assert.equal(links.liveOn(node).length, 1);
  assert.match(rig.told[0]?.text ?? '', /@otherbot:hs.test tried to claim #node/);
  rig.fake.setState(other, id, 'm.room.bridging', key, { user_id: other, status: 'success' });
  await rig.fake.drained();
  await Promise.all(heard);
  assert.equal(links.find(room(id), node)?.state, 'suspended');
  assert.match(rig.told[1]?.text ?? '', /no longer carries it/);
  assert.deepEqual(rig.network.unwatched, [node]);
  const link = links.find(room(id), node);
  assert.ok(link);
  await plumb.unlink(link, 'asked for');
  assert.deepEqual(claimIn(rig, id), { user_id: other, status: 'success' }, 'what is theirs by now is left to them');
});

test('the same foreign claim told twice counts once', async (t) => {
  const { rig, op, plumb, links, guard } = await start(t);
  const other = rig.fake.user('otherbot');
  const id = ownRoom(rig, op, { members: [other] });
  await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  const heard: Promise<void>[] = [];
  rig.onEvent = (event) => {
    if (guard.seen(event)) heard.push(guard.defend(event).then(() => guard.defend(event)));
  };
  rig.fake.setState(other, id, 'm.room.bridging', 'irc://libera.example/%23NODE', { user_id: other, status: 'pending' });
  await rig.fake.drained();
  await Promise.all(heard);
  assert.equal(links.liveOn(node).length, 1);
});

test('after a restart a channel that another bridge took meanwhile is given up with a notice', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const other = rig.fake.user('otherbot');
  const id = ownRoom(rig, op, { members: [other] });
  await plumb.link({ room: room(id), channel: node, origin: 'command', requester: userId(op) });
  await plumb.settled();
  rig.fake.setState(other, id, 'm.room.bridging', key, { user_id: other, status: 'success' });
  plumb.resume();
  await plumb.settled();
  assert.equal(links.find(room(id), node)?.state, 'suspended');
  assert.match(rig.told[0]?.text ?? '', /@otherbot:hs.test holds the channel/);
});

test('a link from config whose channel has another id by now is still the one that the config means', async (t) => {
  const { rig, op, plumb, links } = await start(t);
  const id = ownRoom(rig, op);
  rig.network.configured = [{ room: room(id), channel: node }];
  plumb.resume();
  await plumb.settled();
  const made = links.find(room(id), node);
  const renamed = channel('#renamed');
  await links.move(node, renamed);
  plumb.resume();
  await plumb.settled();
  assert.deepEqual(
    links.all().map((link) => [link.id, link.channel, link.state]),
    [[made?.id, renamed, 'live']],
  );
  rig.network.configured = [];
  plumb.resume();
  await plumb.settled();
  assert.deepEqual(links.all(), [], 'and goes with the config that named it as it was');
});

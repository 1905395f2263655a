import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError, PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import { userId } from '../../../bridge-core/ids.ts';
import { Puppets } from '../../../bridge-core/virtual-users/puppets.ts';
import { channel, FakeNetwork } from '../rig.ts';

const anna = userId('@anna:hs.test');
const node = channel('#node');

function withOpening(fault: Error | undefined) {
  const network = new FakeNetwork();
  network.opening = (speaker) => {
    if (speaker.as === 'user' && fault !== undefined) throw fault;
  };
  return { network, puppets: new Puppets({ adapter: network.adapter }) };
}

test('a person speaks by their own session, under their name', async () => {
  const { network, puppets } = withOpening(undefined);
  const voice = await puppets.speak(anna, 'Anna', node);
  assert.equal(voice.relayed, false);
  assert.deepEqual(network.asked, [{ as: 'user', user: anna, name: 'Anna' }]);
});

test('where they can have none, the bot speaks for them and it is said why', async () => {
  for (const fault of [
    new RetryableError('SESSION_LIMIT', 'thirty are open'),
    new DeniedError('no puppets for guests'),
    new PermanentError('NETWORK_LOGIN', 'an account is needed'),
    new PermanentError('NETWORK_REFUSED', 'no such nick'),
  ]) {
    const voice = await withOpening(fault).puppets.speak(anna, undefined, node);
    assert.equal(voice.relayed, true);
    assert.equal(voice.session.speaker.as, 'bot');
    assert.equal(voice.reason, fault.code);
  }
});

test('a ban of the person is not got around by the bot', async () => {
  for (const code of ['CHANNEL_CLOSED', 'NETWORK_BANNED'] as const)
    await assert.rejects(withOpening(new PermanentError(code, 'banned')).puppets.speak(anna, undefined, node), { code });
});

test('what may work later is waited for', async () => {
  const { puppets } = withOpening(new RetryableError('NETWORK_UNREACHABLE', 'connecting'));
  await assert.rejects(puppets.speak(anna, undefined, node), { code: 'NETWORK_UNREACHABLE' });
});

test('who left the room is taken out of the channel, if they are there', async () => {
  const { network, puppets } = withOpening(undefined);
  await puppets.withdraw(anna, node);
  assert.deepEqual(network.left, []);
  await puppets.speak(anna, undefined, node);
  await puppets.withdraw(anna, node, 'bye');
  assert.deepEqual(network.left, [{ user: anna, channel: node }]);
});

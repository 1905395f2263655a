// Logins over a restart, and what one of them does that the others must not feel. Key rotation is told in key-rotation.test.ts.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import { remoteUserId, userId } from '../../../bridge-core/ids.ts';
import type { Login } from '../../../bridge-core/logins.ts';
import { openKeys } from '../../../bridge-core/virtual-users/keys.ts';
import { Logins } from '../../../bridge-core/virtual-users/logins.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { until } from '../../support/waiting.ts';
import { collectLog } from '../rig.ts';

const ada = userId('@ada:hs.test');
const bob = userId('@bob:hs.test');
const result = (name: string, token = `token of ${name}`, network = 'acme') => ({
  ...{ account: remoteUserId(`${network}/${name}`), network, name: `${name} on ${network}`, credentials: { token } },
});

async function open(t: TestContext) {
  const temp = openTempStore(t);
  const keys = await openKeys(`${temp.path}.keys`);
  const calls: string[] = [];
  const refusals: string[] = [];
  const trouble = new Map<string, Error>();
  const log = collectLog();
  const adapter = {
    signIn: async ({ user, account, credentials }: Login) => {
      calls.push(`in ${user} ${account} ${credentials.token}`);
      const fault = trouble.get(account);
      if (fault !== undefined) throw fault;
    },
    signOut: async ({ user, account }: Login) => void calls.push(`out ${user} ${account}`),
  };
  const make = (store = temp.store) => {
    const logins = new Logins({
      ...{ store, keys, adapter, log },
      onRefused: ({ account }, reason) => void refusals.push(`${account}: ${reason}`),
    });
    t.after(() => logins.stop());
    return logins;
  };
  return { temp, keys, calls, refusals, trouble, log, make };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test('a login is sealed at rest, and given to the adapter again at the next start', async (t) => {
  const { temp, calls, make } = await open(t);
  await make().add(ada, result('ada'));
  assert.deepEqual(calls.splice(0), ['in @ada:hs.test acme/ada token of ada']);
  assert.doesNotMatch(String(temp.committed('SELECT sealed FROM logins')), /token of ada/);
  const logins = make(await temp.reopen());
  logins.start();
  await until('her login', () => calls.length > 0);
  assert.deepEqual(calls, ['in @ada:hs.test acme/ada token of ada']);
  assert.equal(logins.byUser(ada)[0]?.state, 'live');
});

test('one login that fails at start stops neither the others nor the start', async (t) => {
  const { temp, calls, refusals, trouble, log, make } = await open(t);
  const before = make();
  for (const name of ['a', 'b', 'c', 'd']) await before.add(userId(`@${name}:hs.test`), result(name));
  await temp.store.write(() => temp.store.prepare("UPDATE logins SET sealed = 'x.y' WHERE account = 'acme/a'").run());
  trouble.set('acme/b', new PermanentError('NETWORK_LOGIN', 'token revoked'));
  trouble.set('acme/c', new TypeError('a defect'));
  calls.length = 0;
  const logins = make(await temp.reopen());
  logins.start();
  const isGiven = () => calls.includes('in @d:hs.test acme/d token of d');
  const isLogged = () => log.lines.some((line) => line.includes('could not be taken on'));
  await until('all four', () => isGiven() && isLogged() && refusals.length === 2);
  assert.deepEqual(refusals.sort(), ['acme/a: what was kept of it no longer opens', 'acme/b: token revoked']);
  assert.deepEqual(
    logins.all().map(({ account, state }) => `${account} ${state}`),
    ['acme/a refusing', 'acme/b refusing', 'acme/c live', 'acme/d live'],
  );
});

test('where the network is away a login is kept and tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { calls, trouble, make } = await open(t);
  trouble.set('acme/ada', new RetryableError('NETWORK_UNREACHABLE', 'away'));
  const logins = make();
  await logins.add(ada, result('ada'));
  assert.equal(logins.byUser(ada).length, 1);
  trouble.clear();
  t.mock.timers.tick(5_000);
  assert.deepEqual(calls, Array(2).fill('in @ada:hs.test acme/ada token of ada'));
});

test('an account has one person, and a person one account on a network', async (t) => {
  const { calls, make } = await open(t);
  const logins = make();
  await logins.add(ada, result('ada'));
  assert.deepEqual((await logins.add(ada, result('ada', 'fresh'))).replaced, []);
  const moved = await logins.add(bob, result('ada', 'his'));
  assert.deepEqual(
    moved.replaced.map(({ user }) => user),
    [ada],
  );
  assert.equal(logins.byUser(ada).length, 0);
  // The same token may stand behind both: nothing is ended on the network for a login that only changes hands.
  assert.ok(!calls.some((call) => call.startsWith('out')));
  const other = await logins.add(bob, result('bobby'));
  assert.deepEqual(
    other.replaced.map(({ account }) => account),
    ['acme/ada'],
  );
  await logins.add(bob, result('bobby', 'there', 'widgets'));
  assert.deepEqual(
    logins.byUser(bob).map(({ account }) => account),
    ['acme/bobby', 'widgets/bobby'],
  );
  assert.deepEqual(calls.slice(3), [
    'out @bob:hs.test acme/ada',
    'in @bob:hs.test acme/bobby token of bobby',
    'in @bob:hs.test widgets/bobby there',
  ]);
});

test('credentials that the adapter refuses are not kept', async (t) => {
  const { temp, trouble, make } = await open(t);
  trouble.set('acme/ada', new PermanentError('NETWORK_LOGIN', 'no such token'));
  const logins = make();
  await assert.rejects(logins.add(ada, result('ada')), { code: 'NETWORK_LOGIN' });
  assert.deepEqual(logins.all(), []);
  assert.equal(temp.committed('SELECT count(*) FROM logins'), 0);
});

test('what the network says of the login of before does not end the one that was added meanwhile', async (t) => {
  const { temp, keys, log } = await open(t);
  const old = Promise.withResolvers<void>();
  const refusals: string[] = [];
  const make = (store = temp.store) => {
    const adapter = {
      signIn: ({ credentials }: Login) => (credentials.token === 'old' ? old.promise : Promise.resolve()),
      signOut: async () => void refusals.push('signed out'),
    };
    return new Logins({ ...{ store, keys, log, adapter }, onRefused: (_, reason) => void refusals.push(reason) });
  };
  const logins = make();
  const dropped = logins.add(ada, result('ada', 'old'));
  dropped.catch(() => {});
  await until('it kept', () => logins.isHolder(ada) || undefined);
  const started = make(await temp.reopen());
  t.after(() => started.stop());
  // Signed in with it as it starts, and once more by hand: both still wait.
  started.start();
  const again = started.add(ada, result('ada', 'old'));
  again.catch(() => {});
  await started.add(ada, result('ada', 'new'));
  old.reject(new PermanentError('NETWORK_LOGIN', 'no such token'));
  await assert.rejects(again, { code: 'NETWORK_LOGIN' });
  await turn();
  assert.deepEqual([started.byAccount(remoteUserId('acme/ada'))?.state, refusals], ['live', []]);
  assert.equal(temp.committed('SELECT count(*) FROM logins'), 1);
});

test('renewed credentials are those of the next start; of an account that nobody has there are none', async (t) => {
  const { temp, calls, make } = await open(t);
  const logins = make();
  await logins.add(ada, result('ada'));
  await logins.renew(remoteUserId('acme/ada'), { token: 'rotated' });
  await assert.rejects(logins.renew(remoteUserId('acme/nobody'), {}), { code: 'LOGIN_UNKNOWN' });
  calls.length = 0;
  make(await temp.reopen()).start();
  await until('her login', () => calls.length > 0);
  assert.deepEqual(calls, ['in @ada:hs.test acme/ada rotated']);
});

test('a refused login is told of once, over a restart in between too, and not given to the adapter again', async (t) => {
  const { temp, calls, refusals, make } = await open(t);
  const logins = make();
  await logins.add(ada, result('ada'));
  await logins.add(ada, result('ada', 'other', 'widgets'));
  calls.length = 0;
  await Promise.all([logins.refuse(ada, 'acme', 'token_revoked'), logins.refuse(ada, 'acme', 'token_revoked')]);
  await logins.refuse(ada, 'acme', 'token_revoked');
  assert.deepEqual(refusals.splice(0), ['acme/ada: token_revoked']);
  assert.deepEqual(calls.splice(0), ['out @ada:hs.test acme/ada']);
  // Killed before the person could be told.
  const second = make(await temp.reopen());
  second.start();
  await until('the word', () => refusals.length > 0);
  assert.deepEqual(refusals.splice(0), ['acme/ada: the network no longer takes it']);
  await second.told(remoteUserId('acme/ada'));
  const third = make(await temp.reopen());
  third.start();
  await until('the other one', () => calls.length === 2);
  await turn();
  assert.deepEqual(refusals, []);
  assert.deepEqual(calls, Array(2).fill('in @ada:hs.test widgets/ada other'));
  await third.add(ada, result('ada', 'again'));
  assert.equal(third.byAccount(remoteUserId('acme/ada'))?.state, 'live');
});

test('who logs out is forgotten, even where the network cannot be told', async (t) => {
  const { temp, make } = await open(t);
  const logins = make();
  await logins.add(ada, result('ada'));
  await logins.remove(remoteUserId('acme/ada'));
  assert.equal(temp.committed('SELECT count(*) FROM logins'), 0);
  await assert.rejects(logins.remove(remoteUserId('acme/ada')), { code: 'LOGIN_UNKNOWN' });
});

// The Synapse that journeys stand on: it starts, keeps its data, takes registrations, and dies with its parent.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Synapse, startSynapse } from '../../quickstart/servers/synapse.ts';
import { MatrixPerson } from '../support/matrix-person.ts';
import { tempFolder } from '../support/temp-folder.ts';

describe('a Synapse of ours', () => {
  let synapse: Synapse;
  let alice: MatrixPerson;

  before(async () => {
    synapse = await startSynapse({ folder: tempFolder(), roomVersion: '11' });
    alice = await new MatrixPerson({ url: synapse.url, ...(await synapse.registerPerson('alice')) }).sync();
  });
  after(async () => {
    await alice.stop();
    await synapse.stop();
  });

  it('listens on the loopback alone and calls itself what it was told', async () => {
    assert.match(synapse.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(alice.userId, `@alice:${synapse.domain}`);
  });

  it('makes rooms of the wished version, and of another where one asks for it', async () => {
    const version = async (room: string) => (await alice.state(room, 'm.room.create')).room_version;
    assert.equal(await version(await alice.createRoom()), '11');
    assert.equal(await version(await alice.createRoom({ version: '12' })), '12');
  });

  it('keeps its data over a stop and over a kill, and a person who syncs goes on by themselves', async () => {
    const room = await alice.createRoom({ name: 'kept' });
    await alice.say(room, 'before');
    await synapse.restart();
    await alice.say(room, 'between');
    await synapse.kill();
    await assert.rejects(alice.say(room, 'nobody there'));
    await synapse.start();
    await alice.say(room, 'after');
    await alice.waitForText(room, 'after');
    const said = (await alice.history(room)).filter(({ type }) => type === 'm.room.message').map(({ content }) => content.body);
    assert.deepEqual(said, ['before', 'between', 'after']);
  });

  it('knows an application service once it was restarted with its registration', async () => {
    const file = join(synapse.folder, 'as.yaml');
    const namespaces = { users: [{ exclusive: true, regex: '@as_.*' }], aliases: [], rooms: [] };
    await writeFile(file, JSON.stringify({ id: 'as', url: null, as_token: 'as', hs_token: 'hs', sender_localpart: 'asbot', namespaces }));
    const whoami = () => fetch(`${synapse.url}/_matrix/client/v3/account/whoami`, { headers: { authorization: 'Bearer as' } });
    assert.equal((await whoami()).status, 401);
    await synapse.restart({ registrations: [file] });
    assert.equal(((await (await whoami()).json()) as { user_id: string }).user_id, '@asbot:hs.test');
  });

  it('says in its error what Synapse itself says when it cannot start', async () => {
    const broken = startSynapse({ folder: tempFolder(), registrations: ['/nonexistent/as.yaml'] });
    await assert.rejects(broken, /Synapse ended while starting.*\/nonexistent\/as\.yaml/s);
  });

  it('notices when a port that it was given is somebody else’s', async () => {
    await assert.rejects(startSynapse({ folder: tempFolder(), port: synapse.port }), /Synapse ended while starting/);
  });
});

// Where the rooms of gitter.im went, with a real Synapse in its place: a room's old name leads to its Matrix room over federation, to be
// joined, or to be linked as any other; a name of it in Matrix leads back to what the room may be called in Gitter, in order.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeCertificate } from '../../../quickstart/servers/certificate.ts';
import { freePort } from '../../../quickstart/servers/ports.ts';
import { startSynapse } from '../../../quickstart/servers/synapse.ts';
import { MatrixPerson } from '../../support/matrix-person.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { openGitterStage } from './stage.ts';

const patient = { timeout: 180_000 };
const soon = { timeout: 60_000 };

const certificate = await makeCertificate(tempFolder(), 'localhost');
const [ownPort, farPort] = [await freePort(), await freePort()];
const [own, far] = [`localhost:${ownPort}`, `localhost:${farPort}`];
const federation = (port: number) => ({ ...certificate, port, servers: [own, far] });
const gitterIm = await startSynapse({ folder: tempFolder(), domain: far, federation: federation(farPort) });
const stage = await openGitterStage({
  section: { resolver: { server: far } },
  synapse: { domain: own, federation: federation(ownPort) },
  gitter: { rate: { calls: 1_000, window: 60_000 } },
});
const guide = await new MatrixPerson({ url: gitterIm.url, ...(await gitterIm.registerPerson('guide')) }).sync();
after(async () => {
  await guide.stop();
  await gitterIm.stop();
});
const { alice, ann, botId, gitter } = stage;
const chat = await stage.chatOf(alice);

test('a name or link of Gitter leads to the Matrix room that took its place, which can be joined', patient, async () => {
  const moved = await guide.createRoom({ name: 'matrix-org/gitter', alias: 'matrix-org_gitter' });
  for (const query of ['matrix-org/gitter', 'Matrix-Org/Gitter', 'https://gitter.im/matrix-org/gitter?at=5f0']) {
    const told = await stage.ask(alice, chat, `where ${query}`);
    assert.ok(told.includes(`is the Matrix room #matrix-org_gitter:${far} now`), told);
    assert.ok(told.includes(`https://matrix.to/#/`), told);
  }
  assert.equal(await alice.join(`#matrix-org_gitter:${far}`), moved);
  assert.match(await stage.ask(alice, chat, 'where matrix-org/nowhere'), /has no room for matrix-org\/nowhere/);
  const told = await stage.ask(alice, chat, 'link !some:room matrix-org/gitter');
  assert.ok(told.includes(`it is the Matrix room #matrix-org_gitter:${far} now`), told);
});

test('it is offered as a room to link, and is linked as any other: lines cross between the two', patient, async () => {
  const alias = `#org_garden:${far}`;
  const admin = await stage.matrixPerson('admin');
  const powerLevels = { users: { [botId]: 50, [admin.userId]: 100 } };
  const garden = gitter.addRoom('org/garden', [ann]);
  const moved = await guide.createRoom({ name: 'org/garden', alias: 'org_garden', powerLevels });
  await admin.join(alias);
  assert.ok((await stage.ask(alice, chat, 'where org/garden')).includes(`link ${alias}`));
  const adminsChat = await stage.chatOf(admin);
  assert.match(await stage.ask(admin, adminsChat, `link ${alias} org/garden`), /now linked/);
  await gitter.waitForListener(garden, 'matrixbot', soon);
  ann.say(garden, 'said in Gitter');
  assert.equal((await guide.waitForText(moved, 'said in Gitter', soon)).sender, stage.ghostOf(ann));
  await guide.say(moved, 'said over there');
  const heard = await ann.waitForMessage(garden, 'said over there', soon);
  assert.equal(heard.virtualUser?.externalId, `guide:${far}`);
});

test('a Matrix name stands for each name that the room may have had, tried in order', patient, async () => {
  const inOrder = gitter.addRoom('a_b/c', [ann], { admins: [ann] });
  const chatOfAlice = await stage.logIn(alice, ann);
  const room = await stage.openRoom({ name: 'ambiguous' });
  assert.match(await stage.ask(alice, chatOfAlice, `link ${room} #a_b_c:${far}`), /a_b\/c on Gitter is now linked/);
  await gitter.waitForListener(inOrder, 'matrixbot', soon);
  gitter.addRoom('a/b_c', [ann], { admins: [ann] });
  const second = await stage.openRoom({ name: 'ambiguous too' });
  assert.match(await stage.ask(alice, chatOfAlice, `link ${second} #a_b_c:${far}`), /a\/b_c on Gitter is now linked/);
});

// Files of the fake: uploaded in three steps by Slack's own client, fetched with a token, shared, deleted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { squarePng } from '../support/fake-slack.ts';
import { until } from '../support/waiting.ts';
import { acme, refusal } from './acme.ts';

test('an upload in three steps tells no message id; the message comes, and files.info then knows it', async (t) => {
  const { slack, ann, general, bot, web } = await acme(t, { quirks: { fileShareDelay: 2_000 } });
  const parent = ann.say(general, 'where is the picture?');
  const picture = squarePng('blue', 32);
  const options = {
    file: picture,
    filename: 'blue.png',
    title: 'Blue',
    channel_id: general.id,
    thread_ts: parent,
    initial_comment: 'here',
    alt_text: 'a blue square',
  };
  const { files } = (await web.filesUploadV2(options)) as unknown as {
    files: { files: { id: string; title: string; shares?: object }[] }[];
  };
  const [done] = files[0]?.files ?? [];
  assert.deepEqual([done?.title, done?.shares], ['Blue', undefined]);
  assert.deepEqual(ann.thread(general, parent), []);
  const message = await ann.waitForMessage(general, 'here');
  assert.deepEqual([message.thread_ts, message.user, message.bot_id, message.files?.[0]?.id], [parent, bot.user.id, bot.botId, done?.id]);
  const { file } = await web.files.info({ file: done?.id ?? '' });
  const [share] = file?.shares?.public?.[general.id] ?? [];
  assert.deepEqual(
    [share?.ts, share?.thread_ts, file?.mimetype, file?.size, file?.original_w as unknown],
    [message.ts, parent, 'image/png', picture.length, 32],
  );
  const calls = slack.calls.items.map(({ method }) => method);
  assert.deepEqual(
    calls.filter((method) => method.includes('pload')),
    ['files.getUploadURLExternal', '/upload/v1', 'files.completeUploadExternal'],
  );
});

test('private addresses want a token that may see the file; without one comes a login page', async (t) => {
  const { slack, ann, bob, team, app, bot, general } = await acme(t);
  const { file } = ann.upload(general, { name: 'Plan 1.txt', bytes: Buffer.from('the plan'), comment: 'see' });
  const secret = slack.addChannel(team, 'secret', [ann], { isPrivate: true });
  const hidden = ann.upload(secret, { name: 'hidden.txt', bytes: Buffer.from('hidden') });
  const address = (id: string) => slack.world.files.get(id);
  const { fileAddress } = await import('../support/fake-slack/file-shapes.ts');
  const get = async (id: string, token?: string, headers = {}) => {
    const known = address(id);
    if (known === undefined) throw new Error('no such file');
    return fetch(fileAddress(slack.world, known), {
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    });
  };
  const fetched = await get(file, bot.token.value);
  assert.deepEqual([fetched.headers.get('content-type'), await fetched.text()], ['text/plain', 'the plan']);
  assert.match(await (await get(file)).text(), /Sign in/);
  assert.equal((await get(hidden.file, bot.token.value)).status, 404);
  const part = await get(file, bot.token.value, { range: 'bytes=4-' });
  assert.deepEqual([part.status, await part.text()], [206, 'plan']);
  const poor = slack.setup.authorize(app, bob.user, { scopes: ['chat:write'] });
  assert.match(await (await get(file, poor.value)).text(), /Sign in/);
});

test('each step refuses what it does not know', async (t) => {
  const { slack, ann, general, web, client, app } = await acme(t);
  const ask = (change: object) => web.files.getUploadURLExternal({ filename: 'a.txt', length: 3, ...change });
  assert.equal(await refusal(ask({ length: 0 })), 'missing_argument');
  const { upload_url = '', file_id = '' } = await ask({});
  const complete = (token = web) => token.files.completeUploadExternal({ files: [{ id: file_id }], channel_id: general.id });
  assert.equal(await refusal(complete()), 'file_not_found');
  assert.equal((await fetch(upload_url, { method: 'POST', body: 'too long' })).status, 400);
  assert.equal((await fetch(upload_url, { method: 'POST', body: 'abc' })).status, 200);
  assert.equal(await refusal(complete(client(slack.setup.authorize(app, ann.user).value))), 'file_not_found');
  general.isReadOnly = true;
  assert.equal(await refusal(complete()), 'posting_to_channel_denied');
  general.isReadOnly = false;
  await complete();
  assert.equal(await refusal(complete()), 'file_not_found');
  assert.equal(await refusal(web.apiCall('files.upload', { content: 'x' })), 'method_deprecated');
  assert.deepEqual(slack.undocumented, []);
});

test('a deleted file leaves a tombstone in its message, and is told of without an edit', async (t) => {
  const { slack, ann, general, web } = await acme(t, { app: { socketMode: true }, retryPauses: [] });
  const { ts, file } = ann.upload(general, { name: 'gone.png', bytes: squarePng('red') });
  ann.deleteFile(file);
  const changed = await slack.waitForDelivery('message/message_changed');
  const event = changed.payload.event as { message: { ts: string; edited?: object; files: { mode: string }[] } };
  assert.deepEqual([event.message.ts, event.message.edited, event.message.files[0]?.mode], [ts, undefined, 'tombstone']);
  const deleted = await slack.waitForDelivery('file_deleted');
  assert.equal((deleted.payload.event as { file_id: string }).file_id, file);
  assert.equal(await refusal(web.files.info({ file })), 'file_deleted');
});

test('a snippet and several files at once are one message each', async (t) => {
  const { ann, general, web } = await acme(t);
  const file_uploads = ['one.txt', 'two.txt'].map((filename) => ({ file: Buffer.from(filename), filename }));
  await web.filesUploadV2({ file_uploads, channel_id: general.id, initial_comment: 'both' });
  const both = await ann.waitForMessage(general, 'both');
  assert.deepEqual(
    both.files?.map(({ name, mode }) => [name, mode]),
    [
      ['one.txt', 'hosted'],
      ['two.txt', 'hosted'],
    ],
  );
  await web.filesUploadV2({ content: 'let x = 1', filename: 'x.js', snippet_type: 'javascript', channel_id: general.id });
  const snippet = await until('the snippet', () => ann.sees(general).find(({ files }) => files?.[0]?.mode === 'snippet'));
  assert.equal(snippet.files?.[0]?.preview, 'let x = 1');
});

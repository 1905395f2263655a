// Files of Matrix people reach IRC as links of our own, which work without an account, tell nobody the homeserver's secrets, run
// nothing in a browser, and end with the message; long text as a page. Without a public address: name and size.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/waiting.ts';
import { ircLines, openStage } from './stage.ts';

const stage = await openStage();
const { alice, bridge, synapse } = stage;
const { room, channel } = stage.places['#stage'] as { room: string; channel: string };
const bob = await stage.sitIn('Bob', channel);

/** A picture as far as its first bytes go. */
const picture = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(20_000)]);

async function send(bytes: Uint8Array, name: string, type: string, more: object = {}) {
  const since = bob.mark();
  const event = await alice.sendFile(room, bytes, name, type, more);
  const line = await bob.waitForLine(({ command, nick }) => command === 'PRIVMSG' && nick === 'alice[m]', { since });
  const text = line.text.replace(/^\x01ACTION |\x01$/g, '');
  return { event, text, link: /https?:\/\/\S+/.exec(text)?.[0] ?? '' };
}

test('without a public address a file is told by name and size', async () => {
  assert.equal((await send(picture, 'cat.png', 'image/png')).text, 'sent an image: cat.png (20 KiB)');
  assert.equal((await send(Buffer.from('x'), 'notes.txt', 'text/plain')).text, 'sent a file: notes.txt (1 B)');
});

test('with one, it comes with a link that anybody can open: the same bytes, the right type, nothing that a browser would run', async () => {
  await bridge.stop();
  await bridge.configure('irc', (config) => ({ ...config, public_url: `http://${config.appservice.listen}` }));
  await stage.startBridge();
  await until('the bot to be back', async () => (await bob.names(channel)).some((name) => name.includes('causeway!')) || undefined);
  const { text, link } = await send(picture, 'my cat.png', 'image/png');
  assert.match(text, /^sent an image: my cat\.png \(20 KiB\) http:\/\/127\.0\.0\.1:\d+\/irc\/media\/[\w-]+\/my_cat\.png$/);
  const answer = await fetch(link);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'image/png');
  assert.match(answer.headers.get('content-disposition') ?? '', /^inline; filename="my_cat\.png"$/);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.match(answer.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), picture);
  const head = await fetch(link, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String(picture.length));
  for (const [name, type] of [
    ['page.html', 'text/html'],
    ['drawing.svg', 'image/svg+xml'],
  ] as const) {
    const risky = await fetch((await send(Buffer.from('<script>alert(1)</script>'), name, type)).link);
    assert.match(risky.headers.get('content-disposition') ?? '', /^attachment/, name);
    await risky.arrayBuffer();
  }
});

test('a part of it can be asked for', async () => {
  const { link } = await send(picture, 'part.png', 'image/png');
  const answer = await fetch(link, { headers: { range: 'bytes=100-199' } });
  assert.equal(answer.status, 206);
  assert.equal(answer.headers.get('content-range'), `bytes 100-199/${picture.length}`);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), picture.subarray(100, 200));
});

test('what the homeserver gives to nobody without a token is given by the signed link alone: forged, bent or shortened it is 404', async () => {
  const mxc = await alice.upload(picture, 'secret.png', 'image/png');
  const [, id] = /^mxc:\/\/[^/]+\/(.+)$/.exec(mxc) ?? [];
  const direct = await fetch(`${synapse.url}/_matrix/client/v1/media/download/${synapse.domain}/${id}`);
  assert.equal(direct.status, 401);
  await direct.arrayBuffer();
  const { link } = await send(picture, 'secret.png', 'image/png');
  const at = link.lastIndexOf('/');
  const [token, name] = [link.slice(link.lastIndexOf('/', at - 1) + 1, at), link.slice(at + 1)];
  const base = link.slice(0, link.length - token.length - name.length - 1);
  const flipped = Buffer.from(token, 'base64url');
  for (const place of [0, 8, 20, flipped.length - 1]) {
    const bent = Buffer.from(flipped);
    bent[place] = (bent[place] ?? 0) ^ 1;
    const answer = await fetch(`${base}${bent.toString('base64url')}/${name}`);
    assert.equal(answer.status, 404);
    assert.equal(await answer.text(), 'There is no such file.\n');
  }
  for (const path of [`${token}/other.html`, `${token.slice(0, -4)}/${name}`, `x/${name}`, `${'A'.repeat(200)}/${name}`])
    assert.equal((await fetch(base + path)).status, 404, path);
});

test('once the message is redacted the link is gone', async () => {
  const { event, link } = await send(picture, 'oops.png', 'image/png');
  assert.equal((await fetch(link)).status, 200);
  const since = bob.mark();
  await alice.redact(room, event);
  await until('410', async () => (await fetch(link)).status === 410 || undefined);
  await bob.waitForText(channel, /removed "oops\.png"/, { since });
  assert.equal(await (await fetch(link)).text(), 'This file was deleted by its sender.\n');
});

test('a caption is said with it, and a file sent by many names is safe to put in a line', async () => {
  const { text } = await send(picture, 'cat.png', 'image/png', { body: 'look at *this*', filename: 'cat.png' });
  assert.match(text, /^sent an image: cat\.png \(20 KiB\) http\S+ — look at \*this\*$/);
  const strange = await send(picture, 'a\r\nQUIT :b\u202egnp.exe', 'image/png');
  assert.match(strange.text, /^sent an image: a\s?\s?QUIT :b.*gnp\.exe \(20 KiB\) http/);
});

test('long text is said in part, and the rest is a page, which ends with the message', async () => {
  const since = bob.mark();
  const lines = Array.from({ length: 30 }, (_, at) => `line ${at} of <b>many</b>`);
  const event = await alice.say(room, lines.join('\n'));
  const last = await bob.waitForText(channel, /more lines/, { since });
  await delay(300);
  const heard = ircLines(bob, channel, since);
  assert.equal(heard.length, 4);
  assert.deepEqual(
    heard.slice(0, 3),
    lines.slice(0, 3).map((line) => `alice[m]: ${line}`),
  );
  const link = /^… 27 more lines: (http:\/\/127\.0\.0\.1:\d+\/irc\/page\/[\w-]+)$/.exec(last.text)?.[1] ?? '';
  const page = await fetch(link);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  const html = await page.text();
  assert.match(html, /line 29 of &lt;b&gt;many&lt;\/b&gt;/);
  assert.ok(!html.includes('<script'));
  await alice.redact(room, event);
  await until('410', async () => (await fetch(link)).status === 410 || undefined);
  await bob.waitForText(channel, /removed "/, { since });
});

test('a link said on IRC is a link in the room', async () => {
  bob.say(channel, 'see https://example.org/a?b=c&d=e.');
  const { content } = await alice.waitForText(room, /^see https/);
  assert.equal(content.body, 'see https://example.org/a?b=c&d=e.');
  assert.match(content.formatted_body ?? content.body, /https:\/\/example\.org\/a\?b=c&(amp;)?d=e/);
});

test('after a restart of the bridge links still work; with the homeserver away they say so', async () => {
  const { link } = await send(picture, 'kept.png', 'image/png');
  await bridge.stop();
  await bridge.start();
  assert.equal((await fetch(link)).status, 200);
  await synapse.stop();
  const answer = await fetch(link);
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /cannot be reached now/);
  await synapse.start();
  await until('200', async () => (await fetch(link)).status === 200 || undefined);
});

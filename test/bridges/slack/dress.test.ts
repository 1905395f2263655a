// What the bot's words bear beside the words: the picture of whom it speaks for, and whether pages are shown under them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureSize, squarePng } from '../../support/fake-slack/png.ts';
import { until } from '../../support/waiting.ts';
import { type WholeBridge, wholeBridge } from './whole-bridge.ts';

function wear({ homeserver, person }: WholeBridge, picture: string) {
  homeserver.world.media.set(picture, { type: 'image/png', name: `${picture}.png`, bytes: squarePng(picture, 300) });
  homeserver.world.setProfile(person, { avatar: `mxc://hs.test/${picture}` });
}

async function said({ homeserver, person, room, ann, general, slack }: WholeBridge, words: string) {
  homeserver.say(person, room, words);
  const seen = await ann.waitForMessage(general, words);
  const { args } = slack.callsOf('chat.postMessage').at(-1) ?? assert.fail('nothing was posted');
  return { seen, args };
}

test('whom the bot speaks for is shown with their picture, which Slack can fetch, square and small; nobody makes such an address', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  assert.equal((await said(bridge, 'without a picture')).args.icon_url, undefined);
  wear(bridge, 'first');
  const address = String((await said(bridge, 'with one')).args.icon_url);
  assert.ok(address.startsWith(`${bridge.url}/slack/`), address);
  assert.equal((await said(bridge, 'the same')).args.icon_url, address, 'so that Slack keeps it');
  const answer = await fetch(address);
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/png']);
  assert.match(answer.headers.get('cache-control') ?? '', /immutable/);
  assert.deepEqual(pictureSize(Buffer.from(await answer.arrayBuffer())), { width: 256, height: 256 });
  const at = address.lastIndexOf('/') + 3;
  const forged = `${address.slice(0, at)}${address[at] === 'A' ? 'B' : 'A'}${address.slice(at + 1)}`;
  assert.equal((await fetch(forged)).status, 404);
  wear(bridge, 'second');
  const other = String((await said(bridge, 'with another')).args.icon_url);
  assert.ok(other !== address && (await fetch(other)).status === 200);
});

test('pages and pictures are shown under what the bot says as `unfurl` wants', { timeout: 180_000 }, async (t) => {
  for (const unfurl of [undefined, { links: false, media: true }, { links: true, media: false }]) {
    const bridge = await wholeBridge(t, { section: () => (unfurl === undefined ? {} : { unfurl }) });
    const { args } = await said(bridge, 'words');
    const { links, media } = unfurl ?? { links: true, media: true };
    assert.deepEqual([args.unfurl_links, args.unfurl_media], [String(links), String(media)]);
  }
});

test('the old pair shows their picture too', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, general, room }) => {
      const incoming = slack.addIncomingWebhook(general, { isOld: true });
      return { teams: [], app: undefined, links: [{ channel: general.id, room, webhook: { incoming, outgoing_token: 't0k' } }] };
    },
  });
  wear(bridge, 'first');
  bridge.homeserver.say(bridge.person, bridge.room, 'by a webhook');
  const seen = await bridge.ann.waitForMessage(bridge.general, 'by a webhook');
  const icon = /https?:[^"]+/.exec(JSON.stringify(seen.icons))?.[0] ?? assert.fail(JSON.stringify(seen));
  assert.equal((await fetch(icon)).status, 200);
});

test('a webhook’s own picture stands with what it brings into the room', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { homeserver, person, room, slack } = bridge;
  const chat = homeserver.createRoom({ creator: person, isDirect: true });
  homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  const told = (words: RegExp) =>
    until(`${words}`, () => homeserver.events(chat).find(({ sender, content }) => sender !== person && words.test(String(content.body))));
  await told(/^Hello/);
  homeserver.say(person, chat, `webhook ${room} new builds`);
  const address = /https?:\S+/.exec(String((await told(/https?:/)).content.body))?.[0] ?? '';
  const payload = { text: 'build 7', username: 'CI', icon_url: `${slack.url}/avatars/CI-0-512.png` };
  const headers = { 'content-type': 'application/json' };
  const shown = () => homeserver.events(room).find(({ content }) => String(content.body).includes('build 7'));
  await until('its words', async () => {
    await fetch(address, { method: 'POST', headers, body: JSON.stringify(payload) });
    return shown();
  });
  const profile = shown()?.content['com.beeper.per_message_profile'] as { displayname: string; avatar_url: string };
  assert.equal(profile.displayname, 'CI');
  assert.ok((homeserver.world.media.get(profile.avatar_url.replace('mxc://hs.test/', ''))?.bytes.length ?? 0) > 0);
});

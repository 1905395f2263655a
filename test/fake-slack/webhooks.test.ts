// The old pair of webhooks of the fake, and an app's own incoming one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acme } from './acme.ts';
import { appServer } from './app-server.ts';

const post = (url: string, body: string, type = 'application/json') =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': type } });

test("an incoming webhook answers ok and no id; an old one may choose channel and face, an app's may not", async (t) => {
  const { slack, ann, bob, team, general } = await acme(t);
  const other = slack.addChannel(team, 'other', [ann, bob]);
  const old = slack.addIncomingWebhook(general);
  const modern = slack.addIncomingWebhook(general, { isOld: false, name: 'Deploys' });
  const dressed = JSON.stringify({ text: 'hello <http://x.test|there>', username: 'Mia', icon_emoji: ':ghost:', channel: '#other' });
  assert.equal(await (await post(old, dressed)).text(), 'ok');
  assert.equal(await (await post(modern, dressed)).text(), 'ok');
  assert.equal(
    await (await post(old, `payload=${encodeURIComponent('{"text":"by form"}')}`, 'application/x-www-form-urlencoded')).text(),
    'ok',
  );
  const shown = (messages: { subtype?: string; username?: string; text?: string; icons?: object; user?: string }[]) =>
    messages.map(({ subtype, username, text, icons, user }) => [subtype, username, text, icons, user]);
  assert.deepEqual(shown(ann.sees(other)), [['bot_message', 'Mia', 'hello <http://x.test|there>', { emoji: ':ghost:' }, undefined]]);
  assert.deepEqual(shown(ann.sees(general)), [
    ['bot_message', undefined, 'hello <http://x.test|there>', undefined, undefined],
    ['bot_message', undefined, 'by form', undefined, undefined],
  ]);
});

test('an incoming webhook that cannot post says why', async (t) => {
  const { slack, ann, general, team } = await acme(t);
  const hook = slack.addIncomingWebhook(general);
  const answer = async (body: string, url = hook) => {
    const response = await post(url, body);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await answer('{"text": '), [400, 'invalid_payload']);
  assert.deepEqual(await answer('{}'), [400, 'no_text']);
  assert.deepEqual(await answer('{"text":"x"}', `${slack.url}/services/T/B/unknown`), [404, 'no_service']);
  assert.deepEqual(await answer('{"text":"x","channel":"#nowhere"}'), [404, 'channel_not_found']);
  const closed = slack.addChannel(team, 'closed', [ann]);
  const there = slack.addIncomingWebhook(closed);
  ann.archive(closed);
  assert.deepEqual(await answer('{"text":"x"}', there), [410, 'channel_is_archived']);
});

test('an outgoing webhook tells new messages of its public channel by form, and posts what is answered', async (t) => {
  const { slack, atEnd, ann, bob, team, general } = await acme(t);
  const server = await appServer(atEnd, ({ body }) => (body.includes('question') ? { body: '{"text":"answer"}' } : {}));
  slack.addOutgoingWebhook(team, server.url, { channel: general, token: 't0k' });
  const elsewhere = slack.addChannel(team, 'elsewhere', [ann]);
  const ts = ann.say(general, 'question & more');
  ann.edit(general, ts, 'edited');
  ann.react(general, ts, 'eyes');
  ann.say(elsewhere, 'not told');
  await bob.waitForMessage(general, 'answer');
  slack.addIncomingWebhook(general, { path: '/services/in' });
  await post(`${slack.url}/services/in`, '{"text":"by a bot"}');
  await slack.waitForDelivery('message', ({ payload }) => payload.text === 'by a bot');
  const forms = server.posts.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  const { service_id: _, ...form } = forms[0] ?? {};
  assert.deepEqual(form, {
    token: 't0k',
    team_id: 'T0001',
    team_domain: 'acme',
    channel_id: general.id,
    channel_name: 'general',
    timestamp: ts,
    user_id: ann.id,
    user_name: 'ann',
    text: 'question &amp; more',
  });
  assert.deepEqual(
    forms.map(({ text, user_id }) => [text, user_id]),
    [
      ['question &amp; more', ann.id],
      ['by a bot', 'USLACKBOT'],
    ],
  );
});

test('an outgoing webhook with trigger words comes from every public channel', async (t) => {
  const { slack, atEnd, ann, team, general } = await acme(t);
  const server = await appServer(atEnd);
  slack.addOutgoingWebhook(team, server.url, { triggerWords: ['bot:'] });
  const elsewhere = slack.addChannel(team, 'elsewhere', [ann]);
  const secret = slack.addChannel(team, 'secret', [ann], { isPrivate: true });
  for (const channel of [general, elsewhere, secret]) ann.say(channel, 'bot: hi');
  ann.say(general, 'hi bot:');
  for (const name of ['general', 'elsewhere'])
    await slack.deliveries.waitFor(({ payload, outcome }) => payload.channel_name === name && outcome === 'taken');
  assert.deepEqual(
    server.posts.map(({ body }) => new URLSearchParams(body).get('trigger_word')),
    ['bot:', 'bot:'],
  );
});

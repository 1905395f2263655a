// The old pair of webhooks, and incoming webhooks for Matrix rooms, each over a whole bridge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

type Bridge = Awaited<ReturnType<typeof wholeBridge>>;

const inRoom = (bridge: Bridge, body: string) =>
  until(`${body} in the room`, () =>
    bridge.homeserver.events(bridge.room).find(({ type, content }) => type === 'm.room.message' && content.body === body),
  );

/** In a direct chat with the bot, or elsewhere. */
async function asking({ homeserver, person }: Bridge) {
  const chat = homeserver.createRoom({ creator: person, isDirect: true });
  homeserver.invite(person, chat, homeserver.bot, { is_direct: true });
  await until('the greeting', () =>
    homeserver.events(chat).some(({ type, sender }) => type === 'm.room.message' && sender === homeserver.bot),
  );
  const ask = async (line: string, where = chat, wanted = /./) => {
    const before = homeserver.events(where).length;
    homeserver.say(person, where, line);
    const answer = await until(`an answer to ${line}`, () =>
      homeserver
        .events(where, 0)
        .slice(before)
        // What the last word made the bot say elsewhere, and its greeting, may come in between.
        .find(({ sender, type, content }) => sender === homeserver.bot && type === 'm.room.message' && wanted.test(String(content.body))),
    );
    return String(answer.content.body);
  };
  return { chat, ask };
}

const postTo = async (to: string, body: string, type = 'application/json') => {
  const answer = await fetch(to, { method: 'POST', body, headers: { 'content-type': type } });
  return [answer.status, await answer.text()];
};

test('the old pair carries what is said both ways, in their names, and takes nothing with a wrong token', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, general, room }) => {
      const incoming = slack.addIncomingWebhook(general, { isOld: true });
      return { teams: [], app: undefined, links: [{ channel: general.id, room, webhook: { incoming, outgoing_token: 't0k' } }] };
    },
  });
  const { ann, slack, general, homeserver, person, room, url, team } = bridge;
  const address = `${url}/slack/webhooks/${general.id}`;
  slack.addOutgoingWebhook(team, address, { channel: general, token: 't0k' });
  ann.say(general, 'by the &lt;old&gt; way');
  const shown = await inRoom(bridge, 'by the <old> way');
  assert.equal(shown.sender, '@slack_webhook_u0ann:hs.test');
  homeserver.say(person, room, 'and <back>');
  const seen = await ann.waitForMessage(general, 'and &lt;back&gt;');
  assert.equal(seen.username, 'Alice');

  const post = (token: string, id = general.id) =>
    fetch(`${url}/slack/webhooks/${id}`, {
      method: 'POST',
      body: new URLSearchParams({
        token,
        team_id: 'T0001',
        channel_id: id,
        user_id: 'U0EVE',
        user_name: 'eve',
        text: 'forged',
        timestamp: '1795647813.000100',
      }),
    });
  assert.equal((await post('wrong')).status, 403);
  assert.equal((await post('t0k', 'C0OTHER')).status, 403);
  ann.say(general, 'the last');
  await inRoom(bridge, 'the last');
  assert.ok(!homeserver.events(room).some(({ content }) => content.body === 'forged'));
  const said = homeserver.events(room).filter(({ type, content }) => type === 'm.room.message' && content.body === 'and <back>');
  assert.equal(said.length, 1, 'what we say there is not heard again');
});

test('Mattermost: its Markdown is read as such, files are told of, and pairs of one channel’s name are told apart by their tokens', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, general, room }) => {
      const pair = (team: string, token: string) => {
        const webhook = { incoming: slack.addIncomingWebhook(general, { isOld: true }), outgoing_token: token };
        return { team, channel: 'town-square', room, webhook };
      };
      return { teams: [], app: undefined, links: [pair('mm1', 'one'), pair('mm2', 'two')] };
    },
  });
  const { homeserver, room, url } = bridge;
  const told = () => homeserver.requests.flatMap(({ path }) => (path.includes('/state/m.bridge/') ? [path] : []));
  await until('both links', () => new Set(told()).size === 2);
  const post = async (token: string, post_id: string, text: string, more: object = {}) => {
    const fields = { team_id: 'x', channel_id: 'town-square', user_id: 'u1', user_name: 'eve', timestamp: '1795647813000' };
    const body = new URLSearchParams({ token, text, post_id, ...fields, ...more });
    return (await fetch(`${url}/slack/webhooks/town-square`, { method: 'POST', body })).status;
  };
  assert.deepEqual(
    [await post('one', 'p1', 'first'), await post('two', 'p2', 'second'), await post('three', 'p3', 'third')],
    [200, 200, 403],
  );
  assert.equal((await inRoom(bridge, 'first')).sender, '@slack_mm1_u1:hs.test');
  assert.equal((await inRoom(bridge, 'second')).sender, '@slack_mm2_u1:hs.test');
  await post('one', 'p4', '**bold** _it_ [here](https://a.test) <b> & *x*');
  const { content } = await inRoom(bridge, 'bold it here (https://a.test) <b> & x');
  assert.equal(
    content.formatted_body,
    '<strong>bold</strong> <em>it</em> <a href="https://a.test">here</a> &lt;b&gt; &amp; <em>x</em>',
    JSON.stringify(content),
  );
  await post('one', 'p5', '', { file_ids: 'f1' });
  assert.equal((await inRoom(bridge, 'sent a file that the webhook does not bring')).content.msgtype, 'm.emote');
  await post('one', 'p6', '', {});
  await post('two', 'p7', 'look', { file_ids: 'f1,f2' });
  await inRoom(bridge, 'look\n\nwith 2 files that the webhook does not bring');
  const said = homeserver.events(room).filter(({ type }) => type === 'm.room.message');
  assert.ok(!said.some(({ content: { body } }) => body === '' || body === 'third'));
});

test('an incoming webhook for a room: made in private, takes Slack’s payload both ways, renewed and ended', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { homeserver, room } = bridge;
  const { chat, ask } = await asking(bridge);
  assert.match(await ask('!slack webhook new builds', room, /direct chat/), /direct chat/);
  const address = /https?:\/\/\S+/.exec(await ask(`webhook ${room} new builds`, chat, /https?:/))?.[0] ?? assert.fail('no address');
  const post = (body: string, type = 'application/json', to = address) => postTo(to, body, type);

  const payload = { text: 'build *7* <https://ci.test/7|failed>', username: 'CI', icon_url: 'https://ci.test/ci.png' };
  await until(
    'the link',
    async () =>
      (await post(JSON.stringify(payload)))[1] === 'ok' &&
      homeserver.events(room).some(({ content }) => String(content.body).includes('build 7')),
  );
  const shown = homeserver.events(room).find(({ type, content }) => type === 'm.room.message' && String(content.body).includes('build 7'));
  assert.match(String(shown?.content.formatted_body), /<strong>7<\/strong> <a href="https:\/\/ci.test\/7">failed<\/a>/);
  assert.ok(JSON.stringify(shown?.content).includes('CI'), 'whose it is');
  const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: 'from a _form_' } }];
  assert.deepEqual(
    await post(new URLSearchParams({ payload: JSON.stringify({ blocks }) }).toString(), 'application/x-www-form-urlencoded'),
    [200, 'ok'],
  );
  await inRoom(bridge, 'from a form');

  assert.deepEqual(await post('{"text":""}'), [400, 'no_text']);
  assert.deepEqual(await post('{'), [400, 'invalid_payload']);
  assert.match(await ask('!slack webhook list', room, /webhooks/i), /builds/);
  const renewed = /https?:\/\/\S+/.exec(await ask(`webhook ${room} rotate builds`, chat, /https?:/))?.[0] ?? '';
  assert.deepEqual(await post('{"text":"x"}'), [404, 'no_service']);
  await bridge.restart();
  await until('the new address', async () => (await post('{"text":"after a restart"}', 'application/json', renewed))[0] === 200);
  await inRoom(bridge, 'after a restart');
  const answers = await Promise.all(Array.from({ length: 30 }, () => post('{"text":"flood"}', 'application/json', renewed)));
  assert.ok(answers.some(([status]) => status === 429));
  assert.match(await ask('!slack unlink builds', room, /not done/), /came by a command of its own, which takes it away as well/);
  assert.match(await ask('!slack webhook delete builds', room, /gone/), /gone/);
  assert.deepEqual(await post('{"text":"x"}', 'application/json', renewed), [404, 'no_service']);
});

test('after an upgrade of the room its webhooks are its successor’s: listed, renewed and ended there alone', {
  timeout: 180_000,
}, async (t) => {
  const bridge = await wholeBridge(t);
  const { homeserver, person, room } = bridge;
  const { chat, ask } = await asking(bridge);
  const address = async (line: string) => /https?:\/\/\S+/.exec(await ask(line, chat, /https?:/))?.[0] ?? assert.fail('no address');
  const first = await address(`webhook ${room} new builds`);
  const says = async (to: string, text: string, where: string) => {
    await until(`${text} to be taken`, async () => (await postTo(to, JSON.stringify({ text })))[0] === 200);
    await until(
      `${text} in ${where}`,
      () => homeserver.events(where as typeof room).some(({ content }) => content.body === text) || undefined,
    );
  };
  await says(first, 'before', room);
  const levels = { users: { [person]: 100, [homeserver.bot]: 50 } };
  const next = homeserver.createRoom({ creator: person, version: '11', levels, creation: { predecessor: { room_id: room } } });
  homeserver.setState(person, room, 'm.room.tombstone', '', { body: 'moved', replacement_room: next });
  homeserver.invite(person, next, homeserver.bot);
  await until('the links to have moved', () =>
    homeserver.events(next).some(({ type, sender }) => type === 'm.bridge' && sender === homeserver.bot),
  );
  await says(first, 'after', next);
  const renewed = await address(`webhook ${next} rotate builds`);
  assert.deepEqual(await postTo(first, '{"text":"x"}'), [404, 'no_service']);
  await bridge.restart();
  await says(renewed, 'after a restart', next);
  assert.match(await ask(`webhook ${room} list`, chat, /webhook/i), /no webhook/);
  assert.match(await ask(`webhook ${next} list`, chat, /Webhooks/), /builds/);
  assert.match(await ask(`webhook ${next} delete builds`, chat, /gone/), /gone/);
  assert.deepEqual(await postTo(renewed, '{"text":"x"}'), [404, 'no_service']);
});

test('a team that is heard by webhooks alone is linked by those alone', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t, {
    section: ({ slack, general, room }) => {
      const webhook = { incoming: slack.addIncomingWebhook(general, { isOld: true }), outgoing_token: 't0k' };
      const teams = [{ id: 'T0001', bot_token: 'xoxb-1', transport: 'webhook' }];
      return { teams, links: [{ team: 'T0001', channel: general.id, room, webhook }] };
    },
  });
  const { slack, team, ann, general, url, homeserver, person } = bridge;
  slack.addOutgoingWebhook(team, `${url}/slack/webhooks/${general.id}`, { channel: general, token: 't0k' });
  ann.say(general, 'by the webhook');
  await inRoom(bridge, 'by the webhook');
  const plans = slack.addChannel(team, 'plans', [ann], { id: 'C0PLANS' });
  const { ask } = await asking(bridge);
  const levels = { users: { [person]: 100, [homeserver.bot]: 50 } };
  const other = homeserver.createRoom({ creator: person, version: '11', levels });
  homeserver.invite(person, other, homeserver.bot);
  await until('the bot there', () => homeserver.members(other).includes(homeserver.bot) || undefined);
  assert.match(await ask(`link ${other} ${plans.id}`, undefined, /T0001/), /nothing is heard of T0001/);
});

test('what comes by an address before its link carries is shown once it does', { timeout: 180_000 }, async (t) => {
  const bridge = await wholeBridge(t);
  const { homeserver, room } = bridge;
  const { chat, ask } = await asking(bridge);
  homeserver.fault({ on: 'GET .*/state$', times: 3, act: { wait: 700 } });
  const address = /https?:\/\/\S+/.exec(await ask(`webhook ${room} new builds`, chat, /https?:/))?.[0] ?? assert.fail('no address');
  assert.deepEqual(await postTo(address, '{"text":"at once"}'), [200, 'ok']);
  await until('the words', () => homeserver.events(room).some(({ content }) => content.body === 'at once'));
});

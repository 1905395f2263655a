// One happening has one name, by whatever way it is told: the same things done in a classic app's workspace, heard by RTM and by the
// Events API beside each other, and read from the history.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import check from 'fast-check';
import { dedupeKeyOf, deletedKey, editedKey, postedKey } from '../../../../bridges/slack/wire/dedupe.ts';
import { eventsApi } from '../../../../bridges/slack/wire/events-api.ts';
import { openRtm } from '../../../../bridges/slack/wire/rtm.ts';
import type { SlackEvent } from '../../../../bridges/slack/wire/source.ts';
import { until } from '../../../support/waiting.ts';
import { appDoor } from './app-door.ts';
import { ear, wired } from './wired.ts';

test('RTM and the Events API call each happening by the same name, and each by its own', async (t) => {
  const world = await wired(t, { app: { isClassic: true, signingSecret: 's3cret' } });
  const { slack, app, api, bots, ann, bob, general, team, bot, atEnd } = world;
  const [rtm, events] = [ear(), ear()];
  const source = openRtm({ ...rtm.listener, caller: bots, isBot: true });
  atEnd(() => source.close());
  const door = eventsApi({ ...events.listener, api, apps: () => [{ via: 'the app', secrets: ['s3cret'] }] });
  app.eventsUrl = (await appDoor(atEnd, door)).url;
  await rtm.told.state('up');
  slack.addPreview('https://example.org/', { title: 'Example', fallback: 'Example', from_url: 'https://example.org/' });
  const ts = ann.say(general, 'see https://example.org/');
  ann.edit(general, ts, 'see https://example.org/ now');
  ann.react(general, ts, 'eyes');
  bob.react(general, ts, 'eyes');
  bob.react(general, ts, 'tada');
  bob.unreact(general, ts, 'tada');
  bob.react(general, ts, 'tada');
  ann.pin(general, ts);
  const reply = bob.say(general, 'reply', { thread: ts });
  bob.delete(general, reply);
  ann.upload(general, { name: 'a.txt', bytes: Buffer.from('a') });
  slack.addChannel(team, 'other', [ann, { id: bot.user.id }]);
  ann.say(general, 'last');
  await rtm.told.heard('last');
  await events.told.heard('last');
  // The edit, and the preview that comes by itself.
  const changes = (heard: readonly SlackEvent[]) => heard.filter((each) => each.event.subtype === 'message_changed').length;
  await until('both changes, both ways', () => [rtm, events].every((each) => changes(each.told.events) >= 2));
  const names = (heard: readonly SlackEvent[]) => heard.map((each) => [each.event.type, each.event.subtype, dedupeKeyOf(each)]);
  const kinds = (heard: readonly SlackEvent[]) => new Set(names(heard).map(([type, subtype]) => `${type}/${subtype}`));
  const common = [...kinds(rtm.told.events)].filter((kind) => kinds(events.told.events).has(kind));
  assert.ok(common.length >= 7, common.join());
  const keysOf = (heard: readonly SlackEvent[]) =>
    names(heard)
      .filter(([type, subtype]) => common.includes(`${type}/${subtype}`))
      .map(([, , key]) => key)
      .toSorted();
  assert.deepEqual(keysOf(rtm.told.events), keysOf(events.told.events));
  const all = keysOf(events.told.events);
  assert.deepEqual([new Set(all).size, all.includes(undefined)], [all.length, false]);
  assert.ok(all.includes(postedKey(general.id, ts)) && all.includes(deletedKey(general.id, reply)));
  const { messages = [] } = await bots.call('conversations.history', { channel: general.id });
  const { edited } = messages.find((message) => message.ts === ts) ?? {};
  assert.ok(all.includes(editedKey(general.id, ts, edited?.ts ?? '')), 'the history names the edit as the event did');
});

const event = (fields: object) => ({ team: 'T1', event: fields as SlackEvent['event'] });
const changed = (message: object, previous_message: object = {}) =>
  event({
    type: 'message',
    subtype: 'message_changed',
    channel: 'C1',
    ts: '9.9',
    event_ts: '9.9',
    message: { ts: '1.1', ...message },
    previous_message,
  });

test('an edit, a preview after it and a tombstone of one message have three names', () => {
  const edited = { user: 'U1', ts: '5.5' };
  const keys = [
    dedupeKeyOf(changed({ edited }, { ts: '1.1' })),
    dedupeKeyOf(changed({ edited, attachments: [] }, { ts: '1.1', edited })),
    dedupeKeyOf(changed({ edited, subtype: 'tombstone' }, { edited })),
  ];
  assert.deepEqual(keys, [editedKey('C1', '1.1', '5.5'), 'change C1 1.1 9.9', deletedKey('C1', '1.1')]);
});

test('what is told under the ids of two workspaces that share a channel is one thing; what a workspace tells of itself is not', () => {
  const said = { type: 'message', channel: 'C1', ts: '1.1', user: 'U1', text: 'x' };
  assert.equal(dedupeKeyOf(event(said)), dedupeKeyOf({ ...event(said), team: 'T2' }));
  const renamed = { type: 'team_rename', name: 'New', event_ts: '1.1' };
  assert.notEqual(dedupeKeyOf(event(renamed)), dedupeKeyOf({ ...event(renamed), team: 'T2' }));
});

test('what has no moment of its own goes by the id that Slack gave; what is fleeting has no name', () => {
  const revoked = event({ type: 'tokens_revoked', tokens: { bot: ['U1'] } });
  assert.equal(dedupeKeyOf({ ...revoked, eventId: 'Ev1' }), 'Ev1');
  assert.equal(dedupeKeyOf(revoked), undefined);
  assert.equal(dedupeKeyOf({ ...event({ type: 'user_typing', channel: 'C1', user: 'U1' }), eventId: 'Ev2' }), undefined);
  assert.equal(dedupeKeyOf(event({ type: 'message' })), undefined);
});

test('nothing that comes from outside breaks it', () => {
  check.assert(
    check.property(check.object(), check.string(), (fields, type) => {
      const key = dedupeKeyOf({ team: 'T1', event: { ...fields, type } });
      return key === undefined || typeof key === 'string';
    }),
  );
});

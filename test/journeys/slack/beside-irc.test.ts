// One room linked to an IRC channel and to a Slack channel at once, by two bridges in one process: each side's line reaches the
// other once, with edits, answers and deletions in the best form that each knows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/waiting.ts';
import { openSlackStage } from './stage.ts';

const stage = await openSlackStage({
  transport: 'socket',
  beside: { networks: { local: 'inspircd' }, bridges: { irc: {} } },
  prepare: async (made) => {
    await made.link(made.places.general?.room ?? '', '#stage', 'local', 'irc');
  },
});
const { alice, ann } = stage;
const { room, channel } = stage.places.general ?? assert.fail();

test('each line is heard once everywhere; edits and deletions find their way', async () => {
  const zoe = await stage.ircPerson('zoe');
  await zoe.join('#stage');
  const onIrc = (text: string | RegExp) =>
    zoe.heard.filter((line) => line.command === 'PRIVMSG' && (typeof text === 'string' ? line.text.includes(text) : text.test(line.text)));
  const inSlack = (text: string) => ann.texts(channel).filter((each) => each.includes(text));
  const inRoom = (text: string) => alice.messages(room).filter(({ content }) => String(content.body).includes(text));

  await until(
    'the IRC bot',
    async () => (await zoe.names?.('#stage'))?.some((nick: string) => nick.includes('causeway')) || undefined,
  ).catch(() => delay(3_000));
  const ts = ann.say(channel, 'from Slack');
  await until('Slack on IRC', () => onIrc('from Slack').length > 0 || undefined);
  zoe.say('#stage', 'from IRC');
  await until('IRC in Slack', () => inSlack('from IRC').length > 0 || undefined);
  const event = await alice.say(room, 'from Matrix');
  await until('Matrix on both', () => (onIrc('from Matrix').length > 0 && inSlack('from Matrix').length > 0) || undefined);

  ann.edit(channel, ts, 'from Slack, edited');
  await until('the edit on IRC', () => onIrc(/edited/).length > 0 || undefined);
  await alice.redact(room, event);
  await until('deleted in Slack', () => inSlack('from Matrix').length === 0 || undefined);

  await delay(1_000);
  const counts = [
    onIrc(/^(<[^>]*> )?from Slack$/).length,
    inSlack('from IRC').length,
    inRoom('from IRC').length,
    inRoom('from Slack').length,
  ];
  assert.deepEqual(counts.slice(0, 3), [1, 1, 1]);
  assert.equal(inRoom('from Slack').filter(({ content }) => content['m.new_content'] === undefined).length, 1);
});

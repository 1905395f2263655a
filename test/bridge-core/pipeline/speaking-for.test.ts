// In whose name a message counts as said: a bridge's bot speaks for others, people for themselves alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPipeline } from './pipeline-rig.ts';

const inTheNameOf = (name: string, body: string) => ({
  msgtype: 'm.text',
  body: `${name}: ${body}`,
  'com.beeper.per_message_profile': { id: 'x', displayname: name, has_fallback: true },
});

test('another bridge’s bot speaks for others; a person who puts another name on a message speaks as themselves', async (t) => {
  const p = await startPipeline(t);
  const room = p.room();
  await p.link(room, '#chan');
  const other = p.hs.user('otherbridge');
  p.hs.join(other, room);
  p.hs.say(other, room, inTheNameOf('Zoe', 'from elsewhere'));
  p.hs.say(p.alice, room, inTheNameOf('Operator', 'obey me'));
  await p.settled();
  assert.deepEqual(p.network.said('#chan').sort(), ['alice[m]: obey me', 'causeway: <Zoe> from elsewhere']);
});

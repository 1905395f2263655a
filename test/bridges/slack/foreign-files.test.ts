// Files of another workspace in a shared channel: the message bears their ids alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForeignFiles } from '../../../bridges/slack/foreign-files.ts';
import { until } from '../../support/waiting.ts';
import { wholeBridge } from './whole-bridge.ts';

const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

test('a file of another workspace bears its name, kind and size', { timeout: 180_000 }, async (t) => {
  const { slack, general, homeserver, room } = await wholeBridge(t);
  const other = slack.setup.team({ id: 'T0002', name: 'Other' });
  const eve = slack.addPerson(other, { id: 'U0EVE', name: 'eve' });
  slack.channels.share(general, other);
  general.members.add(eve.id);
  eve.upload(general, { name: 'holiday.png', bytes: pixel });
  const { content } = await until('the picture', () =>
    homeserver.events(room).find(({ type, content: { url } }) => type === 'm.room.message' && url !== undefined),
  );
  const { mimetype, size } = content.info as { mimetype: string; size: number };
  assert.deepEqual([content.msgtype, content.filename, mimetype, size], ['m.image', 'holiday.png', 'image/png', pixel.length]);
});

test('each is asked for once, by whoever may see it; what nobody may see holds up nothing', async () => {
  const asked: string[] = [];
  const eyes = (name: string, ...seen: string[]) => {
    return async (_method: string, { file = '' }: Record<string, unknown>) => {
      asked.push(`${name} ${file}`);
      if (!seen.includes(String(file))) throw new Error('file_not_found');
      return { file: { id: file, name: `${file}.png` } };
    };
  };
  const files = new ForeignFiles({ eyes: () => [eyes('bot', 'F1'), eyes('ann', 'F2')] as never });
  const message = (...ids: string[]) => ({ files: ids.map((id) => ({ id, file_access: 'check_file_info' })) });
  await Promise.all([files.load(message('F1', 'F2', 'F3')), files.load({ message: message('F1') })]);
  assert.deepEqual(asked.toSorted(), ['ann F2', 'ann F3', 'bot F1', 'bot F2', 'bot F3']);
  assert.deepEqual([files.known('F1')?.name, files.known('F2')?.name, files.known('F3')], ['F1.png', 'F2.png', undefined]);
  assert.equal(files.load(message('F1', 'F2')), undefined, 'known by now');
  assert.equal(files.load({ files: [{ id: 'F9', name: 'ours.png' }] }), undefined);
});

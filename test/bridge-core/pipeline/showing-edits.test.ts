// Edits of the network's in Matrix: only what is different is sent, whatever the message was made of.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteFile } from '../../../bridge-core/remote-event.ts';
import { type Pipeline, startPipeline } from './pipeline-rig.ts';

type Begun = Pipeline & { at: string };

async function begin(t: Parameters<typeof startPipeline>[0]): Promise<Begun> {
  const p = await startPipeline(t, { adapter: { bytes: 100_000 } });
  const room = p.room();
  await p.link(room, '#chan');
  return Object.assign(p, { at: room });
}

const file = (name: string): RemoteFile => ({ name, type: 'text/plain', source: `F-${name}` });
/** What is sent after `known` events: what it is, and on which event. */
const after = (p: Begun, known: number) =>
  p.hs
    .events(p.at)
    .filter(({ type }) => type === 'm.room.message' || type === 'm.room.redaction')
    .slice(known)
    .map(({ type, content, redacts }) => {
      const made = content['m.new_content'] as Record<string, unknown> | undefined;
      const of = redacts ?? (content['m.relates_to'] as { event_id?: string } | undefined)?.event_id;
      const at = p.hs.messages(p.at).findIndex(({ event_id }) => event_id === of);
      if (type === 'm.room.redaction') return `removes ${at}`;
      return made === undefined
        ? `says ${content.filename ?? content.body}`
        : `makes ${at} ${made.body}${made.filename ? ` with ${made.filename}` : ''}`;
    });

test('an edit that changes nothing is not sent: short, long, formatted or split in several', async (t) => {
  const p = await begin(t);
  const long = 'word '.repeat(300);
  const longest = 'more words '.repeat(8_000);
  const texts = ['hello', '\u0002bold\u0002', long, longest];
  const ids = texts.map((text) => p.network.say('zoe', '#chan', text).id);
  await p.settled();
  const known = p.hs.messages(p.at).length;
  assert.ok(known > texts.length);
  for (const [at, id] of ids.entries()) p.network.edit('zoe', '#chan', id, texts[at] ?? '');
  await p.settled();
  assert.deepEqual(after(p, known), []);
  p.network.edit('zoe', '#chan', ids[0] ?? '', '\u0002hello\u0002');
  p.network.edit('zoe', '#chan', ids[1] ?? '', 'bold');
  p.network.edit('zoe', '#chan', ids[2] ?? '', `${long}end`);
  await p.settled();
  assert.deepEqual(after(p, known), ['makes 0 hello', 'makes 1 bold', `makes 2 ${long}end`]);
});

test('an edit back to the first words is sent, also in the same breath', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'Monday');
  p.network.edit('zoe', '#chan', id, 'Tuesday');
  p.network.edit('zoe', '#chan', id, 'Tuesday');
  p.network.edit('zoe', '#chan', id, 'Monday');
  await p.settled();
  assert.deepEqual(after(p, 1), ['makes 0 Tuesday', 'makes 0 Monday']);
});

test('the words beside a file are edited with it, taken away and put there; the file stays what it is', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'first', { files: [file('a.txt')] });
  await p.settled();
  const [event] = p.hs.messages(p.at);
  p.network.edit('zoe', '#chan', id, 'first');
  p.network.edit('zoe', '#chan', id, 'second');
  await p.settled();
  const made = p.hs.messages(p.at)[1]?.content['m.new_content'] as Record<string, unknown>;
  assert.deepEqual([made.url, made.info, made.msgtype], [event?.content.url, event?.content.info, 'm.file']);
  assert.equal(made['m.relates_to'], undefined);
  p.network.edit('zoe', '#chan', id, '');
  await p.settled();
  p.network.edit('zoe', '#chan', id, 'third');
  await p.settled();
  assert.deepEqual(after(p, 1), ['makes 0 second with a.txt', 'makes 0 a.txt with a.txt', 'makes 0 third with a.txt']);
});

test('files that an edit leaves out are removed, with what was said beside the first of them said alone', async (t) => {
  const p = await begin(t);
  const { id } = p.network.say('zoe', '#chan', 'both', { files: [file('a.txt'), file('b.txt')] });
  await p.settled();
  p.network.edit('zoe', '#chan', id, 'both', 'text', [file('a.txt')]);
  await p.settled();
  assert.deepEqual(after(p, 2), ['removes 1']);
  p.network.edit('zoe', '#chan', id, 'none', 'text', []);
  await p.settled();
  assert.deepEqual(after(p, 3), ['says none', 'removes 0']);
  p.network.edit('zoe', '#chan', id, 'none at all', 'text', []);
  p.network.edit('zoe', '#chan', id, 'none at all', 'text', [file('c.txt')]);
  await p.settled();
  assert.deepEqual(after(p, 5), ['makes 2 none at all', 'says c.txt']);
});

test('an edit of what was never shown shows it, once; in a thread it stands in the thread, and stays there', async (t) => {
  const p = await begin(t);
  p.network.edit('zoe', '#chan', 'm900', 'late');
  p.network.edit('zoe', '#chan', 'm900', 'later');
  const root = p.network.say('zoe', '#chan', 'root').id;
  const { id } = p.network.say('yan', '#chan', 'in it', { thread: root });
  p.network.edit('yan', '#chan', id, 'in it still');
  await p.settled();
  assert.deepEqual(after(p, 0), ['says late', 'makes 0 later', 'says root', 'says in it', 'makes 3 in it still']);
  const edit = p.hs.messages(p.at)[4]?.content;
  assert.deepEqual(edit?.['m.relates_to'], { rel_type: 'm.replace', event_id: p.hs.messages(p.at)[3]?.event_id });
  assert.equal((edit?.['m.new_content'] as Record<string, unknown> | undefined)?.['m.relates_to'], undefined);
});

test('what was edited or taken away before it is told stands there once, or not at all', async (t) => {
  const p = await begin(t);
  const channel = p.parts.links.all()[0]?.channel as never;
  const sender = { id: 'fake/zoe' as never, name: 'zoe', fields: { network: 'fake', nick: 'zoe' } };
  const base = { at: Date.now(), channel, sender };
  const accept = (event: object) => p.parts.remoteToMatrix.accept({ ...base, ...event } as never);
  const message = (id: string, body: string) => accept({ kind: 'message', id, body, style: 'text' });
  await accept({ kind: 'edit', id: 'e1', target: 'm901', body: 'mended', style: 'text' });
  await accept({ kind: 'redaction', id: 'd1', target: 'm902' });
  await message('m901', 'mistaken');
  await message('m902', 'regretted');
  await message('m903', 'the end');
  await p.settled();
  assert.deepEqual(after(p, 0), ['says mended', 'says the end']);
  await p.restart();
  await message('m901', 'mistaken');
  await p.settled();
  assert.deepEqual(after(p, 0), ['says mended', 'says the end']);
});

test('what a person said from Matrix and changed by other means is told in answer to it; the echo of their own edit is not', async (t) => {
  const p = await begin(t);
  const said = p.hs.say(p.alice, p.at, 'Monday');
  await p.settled();
  const message = p.network.channel('#chan').messages[0];
  assert.ok(message);
  const sender = {
    id: p.parts.adapter.openSession({ as: 'user', user: p.alice as never }, p.parts.links.all()[0]?.channel as never)?.self,
  };
  const edited = (body: string) =>
    p.parts.remoteToMatrix.accept({
      ...{ kind: 'edit', at: Date.now(), channel: p.parts.links.all()[0]?.channel as never, target: message.id as never, body },
      ...{ style: 'text', sender: { id: sender.id as never, name: 'alice[m]', fields: { network: 'fake', nick: 'alice[m]' } } },
    });
  await edited('Monday');
  await edited('Tuesday');
  await p.settled();
  const [, told, ...more] = p.hs.messages(p.at);
  assert.deepEqual(more, []);
  assert.equal(told?.content.body, '* Tuesday');
  assert.deepEqual(told?.content['m.relates_to'], { 'm.in_reply_to': { event_id: said } });
});

// The page of the IRC bridge says what is: its tests, commands, settings and capabilities are those that there are.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { Actions } from '../../bridge-core/control/actions.ts';
import { Commands } from '../../bridge-core/control/commands.ts';
import { eventId, roomId, userId } from '../../bridge-core/ids.ts';
import { ircSettings } from '../../bridges/irc/settings.ts';
import { botCapabilities, puppetCapabilities } from '../../bridges/irc/wanted-capabilities.ts';
import { coreSchema } from '../../config/core-schema.ts';
import { nodesAt, viewOfAll } from '../../config/schema-view.ts';
import { irc } from '../config/networks.ts';
import { holdFeatureTable } from './feature-table.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'bridges/irc/README.md'), 'utf8');
/** The cells of the table whose first column has this name. */
const rowsOf = (first: string): string[][] => {
  const lines = page.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  const end = lines.findIndex((line, number) => number > at && !line.startsWith('|'));
  assert.notEqual(at, -1, `no table of ${first}`);
  return lines.slice(at + 2, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
};
const wordsIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '');

holdFeatureTable('irc', 20);

test('every test that the page names elsewhere is there', () => {
  const named = [...page.matchAll(/`((?:journeys|contract|bridges\/irc|bridge-core)\/[\w/-]+)`/g)].map(([, file]) => file ?? '');
  assert.deepEqual(
    named.filter((file) => !existsSync(join(root, 'test', `${file}.test.ts`))),
    [],
  );
});

test('the commands of the page are those of the help, and the older names work', async () => {
  const heard: string[] = [];
  const nothing = async () => 'done';
  const actions = Object.fromEntries(Object.getOwnPropertyNames(Actions.prototype).map((name) => [name, nothing])) as unknown as Actions;
  const commands = new Commands({ prefix: 'irc', isOurs: () => false, actions, tell: (_room, text) => heard.push(text) });
  const help = commands.help().split('\n').slice(1);
  const rows = rowsOf('command');
  assert.deepEqual(
    rows.map(([usage = '', does]) => `${wordsIn(usage)[0]} – ${does}`),
    help,
  );
  const asked = {
    by: userId('@anna:hs.test'),
    room: roomId('!a:hs.test'),
    isDirect: false,
    cause: eventId('$asked'),
    words: ['x'],
    line: '',
  };
  for (const word of rows.flatMap(([usage = '', , , older]) => [usage.slice(1).split(/[ `]/)[0] ?? '', ...wordsIn(older)])) {
    heard.length = 0;
    await commands.run({ ...asked, word });
    assert.doesNotMatch(heard.join(), /I do not know/, word);
  }
});

test('every setting of the page is one', () => {
  const view = viewOfAll(coreSchema(irc, ['irc']), irc);
  const places = [[], ['irc', 'networks', 'libera'], ['irc', 'links', 0]];
  const isSetting = (name: string) =>
    places.some((place) => nodesAt(view, [...place, ...name.replace(/<\w+>/g, '#some').split('.')]).length > 0);
  const named = rowsOf('task').flatMap(([, settings = '']) => wordsIn(settings.replace(/\([^)]*\)/g, '')));
  const values = new Set(
    wordsIn(
      rowsOf('task')
        .find(([task]) => task?.includes('topic'))?.[1]
        ?.split(':')[1],
    ),
  );
  const elsewhere = [...page.matchAll(/`((?:membership|ages|puppets|tls|sasl|flood|names)\.[a-z_.]+)(?:: \w+)?`/g)].map(
    ([, name]) => name ?? '',
  );
  const all = [...named.filter((name) => !values.has(name)).map((name) => name.replace(/: .*/, '')), ...elsewhere];
  assert.ok(all.length > 30);
  assert.deepEqual(
    all.filter((name) => !isSetting(name)),
    [],
  );
});

test('the examples of settings are settings', () => {
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => load(yaml ?? '') as { irc: unknown });
  assert.ok(examples.length > 0);
  for (const example of examples) ircSettings.parse(example.irc);
});

test('the capabilities of the page are those that are asked for, and by whom', () => {
  const rows = rowsOf('capability').flatMap(([names = '', by]) => wordsIn(names).map((name) => [name, by] as const));
  const asking = (who: string) => rows.flatMap(([name, by]) => (name !== 'sasl' && (by === 'all' || by === who) ? [name] : [])).sort();
  assert.deepEqual(asking('bot'), [...botCapabilities].sort());
  assert.deepEqual(asking('puppets'), [...puppetCapabilities].sort());
  assert.ok(rows.some(([name, by]) => name === 'sasl' && by === 'bot'));
});

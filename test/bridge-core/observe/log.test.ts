// What the log shows, and above all what it does not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { type LogOptions, openLog, strikeOut } from '../../../bridge-core/observe/log.ts';

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = openLog({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) }, ...options });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('lines are JSON with a level in words, a time, the fields and those of the parent', () => {
  const { log, parsed } = open();
  log.child({ bridge: 'irc' }).warn({ row: 5 }, 'parked');
  log.debug({}, 'not wanted');
  const [line, ...others] = parsed();
  assert.equal(others.length, 0);
  assert.deepEqual([line?.level, line?.bridge, line?.row, line?.msg], ['warn', 'irc', 5, 'parked']);
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT/);
});

test('errors are told with their code and stack, under either name', () => {
  const { log, parsed } = open();
  const error = Object.assign(new Error('broken'), { code: 'STORE_BROKEN' });
  log.error({ err: error }, 'one');
  log.error({ error }, 'two');
  log.error({ error: 'only words' }, 'three');
  const [one, two, three] = parsed() as { err?: { code: string }; error?: { stack: string } }[];
  assert.equal(one?.err?.code, 'STORE_BROKEN');
  assert.match(two?.error?.stack ?? '', /broken/);
  assert.equal(three?.error, 'only words');
});

test('secrets are struck out by the name of their field, two levels down', () => {
  const { log, lines } = open();
  log.info({ access_token: 's3cret', request: { headers: { authorization: 'Bearer s3cret' } }, login: { password: 's3cret' } }, 'x');
  log.child({ asToken: 's3cret' }).info({ registration: { hs_token: 's3cret' } }, 'x');
  assert.ok(!lines.join('').includes('s3cret'), lines.join(''));
  assert.match(lines[0] ?? '', /\[secret\]/);
});

test('secrets are struck out of texts: addresses, headers, lines of IRC', () => {
  const { log, lines } = open();
  log.info({ error: 'GET http://hs/x?access_token=s3cret&user_id=@a:b failed' }, 'asked with Bearer s3cret.abc-d');
  log.info({ line: 'PASS s3cret' }, 'AUTHENTICATE s3cret==');
  log.info({ line: 'PRIVMSG NickServ :IDENTIFY alice s3cret' }, 'OPER root s3cret');
  assert.ok(!lines.join('').includes('s3cret'), lines.join(''));
  assert.match(lines[0] ?? '', /user_id=@a:b failed/);
  for (const line of lines) JSON.parse(line);
  assert.equal(strikeOut('/return?code=s3cret&state=s3cret'), '/return?code=[secret]&state=[secret]');
  assert.equal(strikeOut('errcode=M_FORBIDDEN state=up'), 'errcode=M_FORBIDDEN state=up');
});

test('for people it is one readable line, the bridge first', () => {
  const { log, lines } = open({ format: 'pretty' });
  log.child({ bridge: 'irc' }).info({ row: 5 }, 'delivered');
  assert.match(lines.join(''), /INFO.*irc: delivered[\s\S]*row: 5/);
});

test('standard output that is no terminal gets JSON, all of it before the process ends', () => {
  const script = `
    const { openLog } = await import('./bridge-core/observe/log.ts');
    const log = openLog({ level: 'info', format: 'auto' });
    for (let n = 0; n < 500; n += 1) log.info({ n }, 'line');
    process.exit(0);
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).n);
  assert.equal(numbers.length, 500);
  assert.equal(numbers.at(-1), 499);
});

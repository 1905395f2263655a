// Where an older store is said to be: whatever is wrong about it, no part of a password is told again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixAppserviceSlack } from '../../../../bridges/slack/takeover/forerunner.ts';

const read = (from: string) => matrixAppserviceSlack.read(from, { since: 0 } as Parameters<typeof matrixAppserviceSlack.read>[1]);

for (const [password, isUsual] of [
  ['sesame', true],
  ['ses@ame', true],
  ['ses%61me', true],
  ['ses/ame', false],
  ['7/sesame', false],
  ['7?sesame', false],
  ['7#sesame', false],
  ['ses%ame', false],
] as const)
  test(`a password such as ${password} is told by no refusal${isUsual ? '' : ', which says how to write it'}`, async () => {
    const told = isUsual ? /^the PostgreSQL database slack at 127\.0\.0\.1:1 cannot be read: .*ECONNREFUSED/ : /%2F for \//;
    await assert.rejects(read(`postgres://old:${password}@127.0.0.1:1/slack`), ({ code, message }: Error & { code: string }) => {
      assert.match(message, told);
      return code === 'TAKE_OVER_REFUSED' && !/ses|ame/.test(message.replace('database', ''));
    });
  });

test('what is neither a folder nor such an address is not said again', async () => {
  for (const from of ['old:sesame@127.0.0.1/slack', 'mysql://old:sesame@127.0.0.1/slack', 'host=127.0.0.1 password=sesame dbname=slack'])
    await assert.rejects(read(from), {
      code: 'TAKE_OVER_REFUSED',
      message: 'that is no folder, nor an address that begins with postgres://',
    });
  await assert.rejects(read('POSTGRES://old:sesame@127.0.0.1:1/slack'), { message: /at 127\.0\.0\.1:1 cannot be read/ });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermanentError, RetryableError } from '../../../bridge-core/errors.ts';
import { Background } from '../../../bridge-core/plumbing/background.ts';
import { collectLog } from '../rig.ts';

const away = (after?: number) => new RetryableError('HOMESERVER_UNREACHABLE', 'away', after === undefined ? {} : { after });

test('a few pieces run at once, and those of one name one after another', async () => {
  const background = new Background({ atOnce: 2, log: collectLog() });
  const running = new Set<string>();
  let most = 0;
  const done: string[] = [];
  for (const name of ['a', 'a', 'b', 'c', 'a'])
    background.run(name, async () => {
      assert.ok(!running.has(name), `${name} runs already`);
      running.add(name);
      most = Math.max(most, running.size);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(name);
      done.push(name);
    });
  await background.idle();
  assert.deepEqual([most, done.toSorted().join('')], [2, 'aaabc']);
});

test('what may work later is tried again, what failed for good is told and left', async () => {
  const log = collectLog();
  const background = new Background({ atOnce: 2, log });
  let tries = 0;
  background.run('later', async () => {
    tries += 1;
    if (tries < 3) throw away(1);
  });
  background.run('never', async () => {
    throw new PermanentError('DEFECT', 'broken');
  });
  await background.idle();
  assert.equal(tries, 3);
  assert.deepEqual(log.lines.length, 1);
  assert.match(log.lines[0] ?? '', /a piece of background work failed.*"about":"never"/);
});

test('a stop begins nothing more, tells of no failure, and leaves no timer', async () => {
  const log = collectLog();
  const background = new Background({ atOnce: 1, log });
  const ending = Promise.withResolvers<void>();
  let begun = 0;
  background.run('under way', async () => {
    begun += 1;
    await ending.promise;
    throw away();
  });
  background.run('waiting', async () => {
    begun += 1;
  });
  background.stop();
  ending.resolve();
  await background.idle();
  assert.deepEqual([begun, log.lines], [1, []]);
});

// A process that is killed while it writes: what it had acknowledged stands in the file.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { tempFolder } from '../../support/temp-folder.ts';

test('kill -9 in the middle of writing loses nothing that was acknowledged', async () => {
  const path = join(tempFolder(), 'store.db');
  const module = new URL('../../../bridge-core/store/sqlite.ts', import.meta.url).href;
  const code = `
    import { writeSync } from 'node:fs';
    const { openStore } = await import(${JSON.stringify(module)});
    const store = openStore(${JSON.stringify(path)}, () => {});
    const insert = store.prepare("INSERT INTO memory (name, value) VALUES (?, '')");
    for (let n = 0; ; n += 4) {
      const batch = [n, n + 1, n + 2, n + 3].map((each) => store.write(() => insert.run(String(each))).then(() => writeSync(1, each + '\\n')));
      store.writeSoon(() => {});
      await Promise.all(batch);
    }`;
  for (const most of [200, 1_500]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
      if (said.split('\n').length > most) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const acknowledged = said.split('\n').slice(0, -1);
    assert.ok(acknowledged.length >= most);
    const database = new Sqlite(path);
    const kept = new Set(database.prepare('SELECT name FROM memory').pluck().all());
    assert.deepEqual(
      acknowledged.filter((name) => !kept.has(name)),
      [],
    );
    database.exec('DELETE FROM memory');
    database.close();
  }
});

// The bridge under npm, as the README starts it: what npm is told to do, the bridge does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../quickstart/servers/ports.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/waiting.ts';
import { causeway } from './cli.ts';

const root = join(import.meta.dirname, '../..');

test('SIGTERM to `npm start` stops the bridge in order', { timeout: 180_000 }, async (t) => {
  const folder = tempFolder();
  const file = join(folder, 'irc.yaml');
  const port = await freePort();
  writeFileSync(
    file,
    `homeserver: { url: "http://127.0.0.1:${await freePort()}", domain: hs.test }
appservice: { listen: 127.0.0.1:${port}, url: "http://127.0.0.1:${port}" }
store: irc.db
irc: { networks: { local: { host: 127.0.0.1, port: ${await freePort()}, tls: false } } }
`,
  );
  assert.equal((await causeway(['register', file], { cwd: folder })).code, 0);
  // A group of its own, so that nothing of it is left whatever happens.
  const npm = spawn('npm', ['start', '--', 'run', file], { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => endGroup(npm.pid ?? 0));
  let log = '';
  npm.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const health = () => fetch(`http://127.0.0.1:${port}/health`);
  await until('the bridge to listen', async () => (await health()).ok || undefined);
  npm.kill('SIGTERM');
  await once(npm, 'exit');
  await until('the bridge to stop', () => /"msg":"stopped"/.test(log) || undefined);
  await assert.rejects(health());
});

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

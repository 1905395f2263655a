// Ports that test files, each a process of its own, take side by side.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { claimPort, freePort } from '../../quickstart/servers/ports.ts';

const ports = join(import.meta.dirname, '../../quickstart/servers/ports.ts');

test('a port that was handed out is handed to nobody else until its process has ended, also while nothing listens on it', async (t) => {
  const script = `import { freePort } from ${JSON.stringify(ports)}; console.log(await freePort()); process.stdin.resume();`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => other.kill('SIGKILL'));
  const port = Number(String((await once(other.stdout, 'data'))[0]));
  assert.equal(await claimPort(port), false);
  other.kill('SIGKILL');
  await once(other, 'exit');
  assert.equal(await claimPort(port), true);
  assert.equal(await claimPort(port), false);
});

test('a port of ours is free for a server, again and again, and is no longer handed out', async () => {
  const port = await freePort();
  for (let round = 0; round < 3; round += 1) {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  }
  assert.equal(await claimPort(port), false);
});

#!/usr/bin/env node
// The command `causeway`, whatever Node finds it: an older one hands over to the Node 24 that lies among the packages.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('./main.ts', import.meta.url);
const carried = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href);
} else if (existsSync(carried)) {
  const child = spawn(carried, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
} else {
  console.error(`causeway needs Node 24; this is ${process.version}. Run \`npm install\` in its folder: that brings one along.`);
  process.exit(1);
}

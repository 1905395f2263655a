#!/usr/bin/env node
// The command `causeway`, whatever Node finds it: an older one hands over to the Node 24 that lies among the packages. Plain
// JavaScript, so that the cache of stripped and compiled files is open before the first of them is asked for.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const carried = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache();
  // While all is loaded, the nursery of the heap does not grow: it would hold 25 MB for good. Later it may.
  setFlagsFromString('--semi-space-growth-factor=1');
  setTimeout(() => {
    setFlagsFromString('--semi-space-growth-factor=2');
    // Else written at a clean end only: a bridge that is killed would find nothing at its next start.
    module.flushCompileCache();
  }, 5_000).unref();
  await import('./main.ts');
} else if (existsSync(carried)) {
  const child = spawn(carried, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
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

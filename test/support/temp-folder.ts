// A folder of a test's own, gone when the test's process ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

/** With KEEP_TEST_FOLDERS set it stays and its path is printed, for whoever looks for a cause. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-test-'));
  // Not after the test: its servers may still be writing here while they stop.
  if (folders.length === 0) process.once('exit', tidy);
  folders.push(folder);
  return folder;
}

function tidy(): void {
  for (const folder of folders) {
    if (process.env.KEEP_TEST_FOLDERS) console.error(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

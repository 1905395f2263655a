// A browser for tests of pages: the system's own chromium, or Debian's unpacked into the cache with the libraries that the
// system lacks.

import { join } from 'node:path';
import { cacheFolder, type Say } from './cache.ts';
import { unpackPackages } from './debian-packages.ts';
import { SetupError } from './processes.ts';
import { findProgram } from './run-command.ts';

/** Why a test that needs one is skipped where there is none. */
export const noBrowser = 'no browser is to be had on this machine';

export interface Chromium {
  readonly program: string;
  /** Beside the environment that it is started in. */
  readonly env: Readonly<Record<string, string>>;
}

/** Undefined, and said why, where there is none to be had: pages are then not tested in a browser. */
export async function installChromium(say: Say): Promise<Chromium | undefined> {
  const own = findProgram('chromium');
  if (own !== undefined) return { program: own, env: {} };
  try {
    const root = await unpackPackages(['chromium'], say, { withDependencies: true });
    const libraries = join(root, 'usr/lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`);
    return {
      program: join(root, 'usr/lib/chromium/chromium'),
      env: { LD_LIBRARY_PATH: [libraries, join(libraries, 'pulseaudio')].join(':'), XDG_CACHE_HOME: join(cacheFolder, 'browser') },
    };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`There is no chromium to be had here, so no page is tested in a browser: ${error.message}`);
    return undefined;
  }
}

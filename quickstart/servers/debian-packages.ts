// Debian's packages, downloaded and unpacked into the cache by any user: nothing is installed on the system.

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installOnce, type Say } from './cache.ts';
import { SetupError } from './processes.ts';
import { findProgram, runCommand } from './run-command.ts';

export interface UnpackOptions {
  /** Along with all that they need and the system lacks. */
  readonly withDependencies?: boolean;
}

/** The folder into which `packages` are unpacked as if it were `/`. */
export async function unpackPackages(packages: readonly string[], say: Say, options: UnpackOptions = {}): Promise<string> {
  const [name = ''] = packages;
  const system = await systemName();
  return installOnce(`${name}-${system}`, say, async (folder) => {
    for (const program of ['apt-get', 'dpkg-deb']) {
      if (!findProgram(program)) {
        throw new SetupError(
          `${name} is had from Debian's packages, and there is no ${program} here. Install ${name} by the system's own means ` +
            'so that it is in the PATH (it need not run as a service), or use a Debian or Ubuntu system.',
        );
      }
    }
    say(`Downloading Debian's ${packages.join(' and ')} and unpacking into ${cacheFolder} (a few seconds, once)`);
    const downloads = join(folder, 'downloads');
    await mkdir(join(downloads, 'partial'), { recursive: true });
    await download(options.withDependencies ? toInstall(packages, downloads) : ['download', ...packages], downloads, say);
    for (const file of await readdir(downloads)) {
      if (!file.endsWith('.deb')) continue;
      const unpacked = await runCommand('dpkg-deb', ['-x', join(downloads, file), folder]);
      if (unpacked.code !== 0) throw new SetupError(`dpkg-deb could not unpack ${file}:\n${unpacked.output.trim()}`);
    }
    await rm(downloads, { recursive: true });
  });
}

/** What installing would fetch, kept in `folder` and not installed; without the lock, which only root may take. */
function toInstall(packages: readonly string[], folder: string): string[] {
  const here = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::Archives=${folder}/`];
  return [...here, 'install', '--download-only', '--no-install-recommends', '--yes', ...packages];
}

async function download(words: readonly string[], folder: string, say: Say): Promise<void> {
  // Without this, apt run by root tries to become its own user, who may not write here.
  const asMyself = ['-o', 'APT::Sandbox::User=root'];
  const first = await runCommand('apt-get', [...asMyself, ...words], { cwd: folder, say });
  if (first.code === 0) return;
  // The system's lists are missing or old, and only root may renew those: so keep lists of our own.
  say('The package lists here are missing or old: fetching lists of our own into the cache');
  const state = join(cacheFolder, 'apt');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'archives/partial'), { recursive: true });
  const ours = [
    ...asMyself,
    ...['-o', `Dir::State::Lists=${join(state, 'lists')}`],
    ...['-o', `Dir::Cache=${state}`, '-o', `Dir::Cache::Archives=${join(state, 'archives')}`],
  ];
  const update = await runCommand('apt-get', [...ours, 'update'], { say });
  const second = await runCommand('apt-get', [...ours, ...words], { cwd: folder, say });
  if (second.code === 0) return;
  const reason = [update.code === 0 ? '' : update.output, second.output].join('\n').trim().split('\n').slice(-8).join('\n');
  throw new SetupError(`apt-get could not ${words.join(' ')}:\n${reason}`);
}

/** Binaries fit one release and one processor: the cache may be carried from machine to machine with the clone. */
async function systemName(): Promise<string> {
  const release = existsSync('/etc/os-release') ? await readFile('/etc/os-release', 'utf8') : '';
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1] ?? 'system';
  return `${codename}-${process.arch}`;
}

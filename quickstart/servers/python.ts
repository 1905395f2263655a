// A Python that can hold Synapse, and a virtual environment of it in the cache.

import { join } from 'node:path';
import { installOnce, type Say } from './cache.ts';
import { SetupError } from './processes.ts';
import { findProgram, runCommand } from './run-command.ts';

const oldestMinor = 10;
const candidates = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

/** The folder of a virtual environment that holds exactly the given package; its programs are run as `bin/python -m …`. */
export async function pythonEnvironment(name: string, version: string, cost: string, say: Say): Promise<string> {
  const python = await findPython();
  return installOnce(`${name}-${version}-python-${python.version}-${process.arch}`, say, async (folder) => {
    say(`Installing ${name} ${version} into a virtual environment of Python ${python.version} in the cache (${cost}, once)`);
    const made = await runCommand(python.path, ['-m', 'venv', folder], { say });
    if (made.code !== 0) {
      throw new SetupError(
        `${python.path} cannot make virtual environments, and ${name} needs one. On Debian and Ubuntu: apt-get install python3-venv.\n` +
          lastLines(made.output),
      );
    }
    const pip = ['-m', 'pip', 'install', '--prefer-binary', '--no-input', '--progress-bar', 'off', '--disable-pip-version-check'];
    const installed = await runCommand(join(folder, 'bin/python'), [...pip, `${name}==${version}`], { say });
    if (installed.code !== 0) throw new SetupError(`pip could not install ${name} ${version}:\n${lastLines(installed.output)}`);
  });
}

async function findPython(): Promise<{ path: string; version: string }> {
  const seen: string[] = [];
  for (const name of candidates) {
    const path = findProgram(name);
    if (!path) continue;
    const { code, output } = await runCommand(path, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    const version = code === 0 ? output.trim() : '';
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor !== undefined && minor >= oldestMinor) return { path, version };
    seen.push(version ? `${path} is ${version}` : `${path} does not run`);
  }
  throw new SetupError(
    `Synapse needs Python 3.${oldestMinor} or newer with its venv module; here ${seen.length ? seen.join(', ') : 'there is none in the PATH'}. ` +
      'On Debian and Ubuntu: apt-get install python3 python3-venv. Or use a homeserver that runs already: --homeserver URL --registration-secret SECRET.',
  );
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-8).join('\n');
}

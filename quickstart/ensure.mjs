// Makes node_modules what package-lock.json says, and sees that a Node new enough will run what comes next. Plain JavaScript
// without a package, since it runs first, on whatever Node starts npm.

import { spawnSync } from 'node:child_process';
import { accessSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const carriedNode = join(root, 'node_modules/.bin/node');
const oldestToStart = 20;
const oldestToRun = 24;

/** Who only runs the bridge needs no tools for developers. */
const isWithoutDev = process.argv.includes('--omit=dev');

function ensure() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < oldestToStart)
    return `Node ${process.versions.node} started this: it takes ${oldestToStart} or newer (the project then brings its own).`;
  const reason = whyToInstall();
  if (reason !== undefined) {
    // Standard output may be going into a file: `npm start --silent -- sample irc > irc.yaml`.
    console.error(`Installing packages into ${join(root, 'node_modules')}, as package-lock.json says (${reason}; once, under a minute)`);
    const fault = install();
    if (fault !== undefined) return fault;
  }
  linkCarriedNode();
  if (major >= oldestToRun || exists(carriedNode)) return undefined;
  return (
    `The bridge needs Node ${oldestToRun} or newer, and this is ${process.versions.node} on ${process.platform}-${process.arch}. ` +
    'A newer one comes with the packages on linux-x64 and linux-arm64 only (and not if npm is told to omit optional packages): install it from nodejs.org.'
  );
}

/** What npm wrote down of its last install, against what is wanted now; undefined: nothing to do. */
function whyToInstall() {
  const wanted = readJson('package-lock.json')?.packages ?? {};
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (installed === undefined) return 'none are there';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || !path.startsWith('node_modules/') || (isWithoutDev && entry.dev)) continue;
    const found = installed[path];
    // Optional ones are left out where they do not fit the machine.
    if (found === undefined && (entry.optional || entry.devOptional)) continue;
    if (found === undefined) return `${nameOf(path)} is missing`;
    if (found.version !== entry.version || differs(found.integrity, entry.integrity)) return `${nameOf(path)} is another version`;
  }
  return undefined;
}

function install() {
  const npm = process.env.npm_execpath ?? '';
  const [command, ...first] = /npm-cli\.c?js$/.test(npm) ? [process.execPath, npm] : ['npm'];
  const flags = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const result = spawnSync(command, [...first, ...flags, ...(isWithoutDev ? ['--omit=dev'] : [])], { cwd: root, stdio: ['inherit', 2, 2] });
  if (result.error) return `npm could not be started: ${result.error.message}`;
  return result.status === 0 ? undefined : 'npm could not install the packages: see its words above.';
}

/** Not every registry tells both. */
function differs(one, other) {
  return one !== undefined && other !== undefined && one !== other;
}

/** npm 10 removes the link together with the package for the other processor. */
function linkCarriedNode() {
  const target = `../node-${process.platform}-${process.arch}/bin/node`;
  if (exists(carriedNode) || !exists(join(dirname(carriedNode), target))) return;
  symlinkSync(target, carriedNode);
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function exists(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

const fault = ensure();
if (fault !== undefined) {
  console.error(fault);
  process.exitCode = 1;
}

// What can be held of the image and the composition without an engine: they name what is there, and their configs work.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { load } from 'js-yaml';
import { installInspircd } from '../../quickstart/servers/inspircd.ts';
import { IrcServer } from '../../quickstart/servers/irc-server.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { runCommand } from '../../quickstart/servers/run-command.ts';
import { IrcPerson } from '../support/irc-person.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const readYaml = <Shape>(path: string) => load(read(path)) as Shape;

const composition = readYaml<{ services: Record<string, { image: string; volumes?: string[]; command?: string[] }> }>('compose.yaml');

it('every file that the image copies is there and is let through to the engine', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) => paths.split(' '));
  const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path);
  assert.ok(copied.length > 6);
  for (const path of copied) {
    assert.ok(existsSync(join(root, path)), path);
    assert.ok(allowed.includes(path), `${path} in .dockerignore`);
  }
});

it('the image carries the major version of Node that the project asks for', () => {
  const { engines } = JSON.parse(read('package.json'));
  for (const [, major] of read('Dockerfile').matchAll(/^FROM node:(\d+)-slim/gm)) assert.equal(engines.node, `>=${major}`);
});

it('the composition mounts files that are there, and its Synapse is the version that the tests run', () => {
  const mounts = Object.values(composition.services).flatMap((service) => service.volumes ?? []);
  const files = mounts.filter((mount) => mount.startsWith('./')).map((mount) => mount.split(':')[0] ?? '');
  assert.ok(files.length >= 3);
  for (const file of files) assert.ok(existsSync(join(root, file)), file);
  const [, tested] = /const version = '([\d.]+)'/.exec(read('quickstart/servers/synapse.ts')) ?? [];
  assert.equal(composition.services.synapse?.image, `matrixdotorg/synapse:v${tested}`);
});

it('bridge and Synapse of the composition mean the same registration, and the bridge’s config has no fault', async () => {
  const config = readYaml<{ appservice: { registration: string } }>('docker/irc.yaml');
  const { app_service_config_files: files } = readYaml<{ app_service_config_files: string[] }>('docker/synapse.yaml');
  assert.deepEqual(files, [config.appservice.registration]);
  const { code, output } = await runCommand(process.execPath, [join(root, 'bridges/main.ts'), 'check', join(root, 'docker/irc.yaml')]);
  assert.equal(code, 0, output);
});

it('the IRC server of the composition starts with its config', async (t) => {
  const { command, modules } = await installInspircd();
  const [folder, port] = [tempFolder(), await freePort()];
  const here = `<path configdir="${folder}" datadir="${folder}" logdir="${folder}" runtimedir="${folder}" moduledir="${modules}">`;
  const text = read('docker/inspircd.conf').replace('address="" port="6667"', `address="127.0.0.1" port="${port}"`);
  const asRoot = process.getuid?.() === 0 ? ['--runasroot'] : [];
  const args = ['--nofork', ...asRoot, '--config', join(folder, 'ircd.conf')];
  const config = () => `${text}${here}\n<pid file="${folder}/pid">\n`;
  const server = new IrcServer({ program: 'InspIRCd', name: 'irc.local', folder, port, command, args, config });
  writeFileSync(join(folder, 'motd'), '');
  await server.start();
  t.after(() => server.stop());
  const anna = await IrcPerson.connect({ port, nick: 'anna', caps: ['labeled-response'] });
  assert.ok(anna.caps.includes('labeled-response'));
  await anna.quit();
});

it('the health check passes while the bridge answers, and fails when it does not', async () => {
  const check = (url: string) =>
    runCommand(process.execPath, [join(root, 'docker/health-check.mjs')], { env: { ...process.env, HEALTH_URL: url } });
  const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  assert.equal((await check(url)).code, 0);
  server.close();
  assert.equal((await check(url)).code, 1);
});

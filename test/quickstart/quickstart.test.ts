// `npm run quickstart` as a newcomer meets it, on servers of its own and on servers that run already.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { lastingFolder } from '../../quickstart/places.ts';
import { startNgircd } from '../../quickstart/servers/ngircd.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { startSynapse } from '../../quickstart/servers/synapse.ts';
import { IrcPerson } from '../support/irc-person.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/waiting.ts';

const root = join(import.meta.dirname, '../..');
const bothLines = /Matrix → IRC {3}\S+: Hello from Matrix {3}\(\d+ ms\)\n.*IRC → Matrix {3}\S+: Hello from IRC {3}\(\d+ ms\)\n/s;

class Quickstart {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(t: TestContext, ...words: readonly string[]) {
    this.child = spawn(process.execPath, [join(root, 'quickstart/quickstart.ts'), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output += chunk;
      });
    }
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
    t.after(async () => {
      this.child.kill();
      await this.ended;
    });
  }

  async shows(text: RegExp, timeout = 180_000): Promise<RegExpExecArray> {
    return until(`${text} in the output`, () => text.exec(this.output) ?? undefined, timeout).catch((error: Error) => {
      throw new Error(`${error.message} It was:\n${this.output}`);
    });
  }
}

it('--once shows a line each way with its time, ends with 0 and leaves nothing behind', async (t) => {
  const quickstart = new Quickstart(t, '--once');
  assert.equal(await quickstart.ended, 0, quickstart.output);
  assert.match(quickstart.output, bothLines);
  const [, port] = /Synapse at http:\/\/127\.0\.0\.1:(\d+)/.exec(quickstart.output) ?? [];
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
});

it('shows how to join and what then crosses, and Ctrl-C stops everything', async (t) => {
  const quickstart = new Quickstart(t);
  const [, port, channel = ''] = await quickstart.shows(/IRC +server 127\.0\.0\.1, port (\d+), channel (\S+)/);
  const visitor = await IrcPerson.connect({ port: Number(port), nick: 'visitor' });
  await visitor.join(channel);
  visitor.say(channel, 'I came by myself');
  await quickstart.shows(/IRC → Matrix {3}\S*visitor\S*: I came by myself {3}\(\d+ ms\)/);
  quickstart.child.kill('SIGINT');
  assert.equal(await quickstart.ended, 0, quickstart.output);
  await until('the end of the IRC server', () => visitor.hasLeft || undefined);
});

it('waits until a homeserver of the user’s has the registration, and finds it there the next time', async (t) => {
  const synapse = await startSynapse({ folder: tempFolder(), domain: 'users.test' });
  const irc = await startNgircd({ folder: tempFolder() });
  t.after(() => Promise.all([synapse.stop(), irc.stop(), rm(lastingFolder(synapse.url), { recursive: true, force: true })]));
  const words = ['--homeserver', synapse.url, '--registration-secret', synapse.sharedSecret, '--irc', `127.0.0.1:${irc.port}`, '--once'];

  const first = new Quickstart(t, ...words);
  const [, registration = ''] = await first.shows(/app_service_config_files: \["(.*)"\]/);
  await synapse.restart({ registrations: [registration] });
  assert.equal(await first.ended, 0, first.output);
  assert.match(first.output, bothLines);

  const second = new Quickstart(t, ...words, '--registration', registration);
  assert.equal(await second.ended, 0, second.output);
  assert.doesNotMatch(second.output, /does not know the bridge yet/);
  assert.match(second.output, bothLines);
});

it('ends with 1 and the reason where something is not to be had', async (t) => {
  const quickstart = new Quickstart(t, '--once', '--irc', `127.0.0.1:${await freePort()}`);
  assert.equal(await quickstart.ended, 1);
  assert.match(quickstart.output, /✗ While making users, room and channel: The IRC server at 127\.0\.0\.1:\d+ does not welcome/);
});

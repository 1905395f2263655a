// A bridge to be put under load and killed: between a fake homeserver in a process of its own, which outlives it and remembers,
// and a real InspIRCd; people on both sides who say numbered lines, and one on IRC who writes down what is heard.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type InspircdServer, startInspircd } from '../../quickstart/servers/inspircd.ts';
import { freePort } from '../../quickstart/servers/ports.ts';
import { readRegistrationFile } from '../../registration/registration.ts';
import { BridgeProcess } from './bridge-process.ts';
import type { Plan } from './crash-points.ts';
import { type RemoteHomeserver, spawnFakeHomeserver } from './fake-homeserver/remote.ts';
import { IrcPerson } from './irc-person.ts';
import type { Spoken } from './numbered-lines.ts';
import { type Remains, readRemains } from './store-after-death.ts';
import { tempFolder } from './temp-folder.ts';
import { until } from './waiting.ts';

export interface LoadedBridge {
  readonly homeserver: RemoteHomeserver;
  readonly irc: InspircdServer;
  readonly bridge: BridgeProcess;
  readonly hsToken: string;
  readonly room: string;
  readonly channel: string;
  /** Matrix ids, joined. */
  readonly people: readonly string[];
  /** On IRC, in the channel. */
  readonly speakers: readonly IrcPerson[];
  readonly watcher: IrcPerson;
  /** One more in the channel. */
  sitIn(nick: string): Promise<IrcPerson>;
  /** Another one takes the watcher's place, whose connection is lost. */
  watchAgain(): Promise<void>;
  /** Resolves once the bot is in the channel and the homeserver's word reaches us; at once where it runs. */
  start(): Promise<void>;
  /** Ends it with -9; what it left behind. */
  kill(): Promise<Remains>;
  /** The running bridge will die at this point. */
  arm(plan: Plan): Promise<void>;
  /** Resolves once it has, with what it left behind. */
  died(): Promise<Remains>;
  /** Says `<tag> <number>` for each number, the people in turn; `gap` in ms. */
  sayInMatrix(tag: string, numbers: readonly number[], gap?: number): Promise<void>;
  sayOnIrc(tag: string, numbers: readonly number[], gap?: number): Promise<void>;
  /** What the watcher heard of the people's lines, in order. */
  heardOnIrc(tag: string): Spoken[];
  /** What stands in the room of the IRC speakers' lines, in order. */
  heardInMatrix(tag: string): Promise<Spoken[]>;
}

export interface LoadOptions {
  readonly people: number;
  /** As many as people unless given. */
  readonly speakers?: number;
  /** Of the homeserver's answers, ms. */
  readonly latency?: number;
}

const botNick = 'causeway';

export async function openLoadedBridge(after: (stop: () => Promise<unknown>) => void, options: LoadOptions): Promise<LoadedBridge> {
  const folder = tempFolder();
  const channel = '#load';
  const irc = await startInspircd({ folder: join(folder, 'irc') });
  after(() => irc.stop());
  const port = await freePort();
  const listen = `127.0.0.1:${await freePort()}`;
  const planFile = join(folder, 'plan.json');
  const points = pathToFileURL(join(import.meta.dirname, 'crash-points.ts')).href;
  const bridge = new BridgeProcess({
    folder: join(folder, 'bridge'),
    env: { CAUSEWAY_CRASH_PLAN: planFile, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${points}` },
    configs: {
      irc: {
        homeserver: { url: `http://127.0.0.1:${port}`, domain: 'hs.test' },
        appservice: { listen, url: `http://${listen}`, registration: 'registration.yaml', bot: 'ircbot' },
        store: 'irc.db',
        permissions: { 'hs.test': 'user' },
        irc: { networks: { local: { host: '127.0.0.1', port: irc.port, tls: false, flood: 'off' } }, links: [] },
      },
    },
  });
  const [registered = ''] = await bridge.register();
  const { as_token: asToken, hs_token: hsToken, id: registrationId } = readRegistrationFile(registered);
  const latency = options.latency ?? 0;
  const homeserver = await spawnFakeHomeserver({ asToken, hsToken, registrationId, botLocalpart: 'ircbot', port, latency });
  after(() => homeserver.stop());
  after(() => bridge.kill());

  const people: string[] = [];
  for (let number = 0; number < options.people; number += 1)
    people.push(await homeserver.call('user', `person${number}`, `person${number}`));
  const [creator = ''] = people;
  const room = await homeserver.call('createRoom', { creator, version: '11', members: people.slice(1), invite: [homeserver.bot] });
  await bridge.configure('irc', (config) => ({
    ...config,
    irc: { ...(config.irc as object), links: [{ network: 'local', channel, room }] },
  }));
  await homeserver.call('pushTo', bridge.url);
  const sitIn = async (nick: string) => {
    const person = await IrcPerson.connect({ port: irc.port, nick });
    after(() => person.quit());
    await person.join(channel);
    return person;
  };
  const [watcher, ...speakers] = (await Promise.all(
    ['watcher', ...Array.from({ length: options.speakers ?? options.people }, (_, number) => `speaker${number}`)].map(sitIn),
  )) as [IrcPerson, ...IrcPerson[]];
  const watchers = [watcher];
  const stage = { homeserver, irc, bridge, hsToken, room, channel, people, speakers, watchers };
  const watchAgain = async () => {
    watchers.push(await sitIn('watcher'));
  };
  return { ...stage, watcher, sitIn, watchAgain, ...lifeOf(stage, planFile), ...linesOf(stage) };
}

type Parts = Pick<LoadedBridge, 'homeserver' | 'bridge' | 'room' | 'channel' | 'people' | 'speakers'> & {
  /** One after the other. */
  readonly watchers: readonly IrcPerson[];
};

function lifeOf({ bridge, channel, watchers: [watcher] }: Parts, planFile: string): Pick<LoadedBridge, 'start' | 'kill' | 'arm' | 'died'> {
  const remains = () => readRemains(join(bridge.folder, 'irc.db'));
  return {
    async start() {
      if (bridge.isRunning) return;
      const since = watcher?.mark() ?? 0;
      for (const end of ['', '.armed', '.reached']) rmSync(planFile + end, { force: true });
      await bridge.start();
      await watcher?.waitForLine(({ command, nick, target }) => command === 'JOIN' && nick === botNick && target === channel, {
        since,
      });
    },
    async kill() {
      await bridge.kill('SIGKILL');
      return remains();
    },
    async arm(plan) {
      writeFileSync(planFile, JSON.stringify(plan));
      bridge.signal('SIGUSR2');
      await until('the bridge to know where it is to die', () => existsSync(`${planFile}.armed`));
    },
    async died() {
      await until('the bridge to come to where it dies', () => !bridge.isRunning);
      if (!existsSync(`${planFile}.reached`)) throw new Error(`The bridge ended by itself:\n${bridge.logTail()}`);
      return remains();
    },
  };
}

function linesOf(parts: Parts): Pick<LoadedBridge, 'sayInMatrix' | 'sayOnIrc' | 'heardOnIrc' | 'heardInMatrix'> {
  const { homeserver, room, channel, people, speakers, watchers } = parts;
  const paced = async (numbers: readonly number[], gap: number, say: (number: number) => void) => {
    const began = performance.now();
    for (const [at, number] of numbers.entries()) {
      const ahead = began + at * gap - performance.now();
      if (ahead > 1) await new Promise((resolve) => setTimeout(resolve, ahead));
      say(number);
    }
  };
  return {
    async sayInMatrix(tag, numbers, gap = 0) {
      const said = numbers.map((number) => ({ user: people[number % people.length] as string, text: `${tag} ${number}` }));
      await homeserver.sayAll(room, said, gap);
    },
    sayOnIrc: (tag, numbers, gap = 0) =>
      paced(numbers, gap, (number) => speakers[number % speakers.length]?.raw(`PRIVMSG ${channel} :${tag} ${number}`)),
    heardOnIrc(tag) {
      const pattern = new RegExp(`^(?:<[^>]*> )?(?:\\[\\d\\d:\\d\\d UTC\\] )?${tag} (\\d+)$`);
      return watchers.flatMap((watcher, server) => {
        const lives = new Map<string, number>();
        const heard: Spoken[] = [];
        for (const { command, nick, target, text, at } of watcher.heard) {
          if (command === 'QUIT') lives.set(nick, (lives.get(nick) ?? 0) + 1);
          const said = command === 'PRIVMSG' && target === channel ? pattern.exec(text)?.[1] : undefined;
          if (said === undefined) continue;
          const [number, life] = [Number(said), server * 1_000 + (lives.get(nick) ?? 0)];
          heard.push({ number, speaker: number % people.length, life, at: performance.timeOrigin + at });
        }
        return heard;
      });
    },
    async heardInMatrix(tag) {
      const heard: Spoken[] = [];
      for (const { sender, type, content, arrived, origin_server_ts } of await homeserver.call('events', room)) {
        const [said, number] = String(content.body).split(' ');
        if (type !== 'm.room.message' || said !== tag || !sender.startsWith('@irc_')) continue;
        heard.push({ number: Number(number), speaker: Number(number) % speakers.length, life: 0, at: arrived, dated: origin_server_ts });
      }
      return heard;
    },
  };
}

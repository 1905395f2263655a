// One trial from nothing to a line each way: people, room and channel, the bridge linked between them.

import { join } from 'node:path';
import { IrcPerson } from '../test/support/irc-person.ts';
import { MatrixPerson } from '../test/support/matrix-person.ts';
import { TrialBridge } from './bridge.ts';
import { type Crossing, watchCrossings } from './crossings.ts';
import type { QuickstartOptions } from './options.ts';
import { foreignHomeserver, type HomeserverPlace, lastingFolder, openIrc, ownHomeserver } from './places.ts';
import type { Say } from './servers/cache.ts';
import { SetupError } from './servers/processes.ts';

/** How the trial talks to the one who runs it. */
export interface Conduct {
  readonly say: Say;
  /** What is being done, for the reason where it fails. */
  begin(step: string): void;
  done(what: string): void;
  crossed(crossing: Crossing): void;
  /** The servers answer: from here on nothing waits for a person. */
  serversAnswer(): void;
  /** Run in reverse order at the end. */
  readonly undo: (() => Promise<void>)[];
  readonly signal: AbortSignal;
}

export class Trial {
  readonly #options: QuickstartOptions;
  readonly #folder: string;
  readonly #conduct: Conduct;
  #bridge: TrialBridge | undefined;

  constructor(options: QuickstartOptions, folder: string, conduct: Conduct) {
    this.#options = options;
    this.#folder = folder;
    this.#conduct = conduct;
  }

  get bridgeLog(): string {
    return this.#bridge?.logTail() ?? '';
  }

  /** Resolves once a line has crossed each way, with the words that tell how to join. */
  async run(): Promise<string> {
    const { begin, done, undo, serversAnswer } = this.#conduct;
    begin('starting the IRC server');
    const irc = await openIrc(this.#options, this.#folder);
    undo.push(irc.stop);
    done(irc.description);
    const homeserver = await this.#homeserver(irc);
    serversAnswer();

    begin('making users, room and channel');
    const isAllOurs = irc.isOurs && this.#options.homeserver === undefined;
    const word = isAllOurs ? 'quickstart' : `quickstart-${Date.now().toString(36)}`;
    const [alias, channel] = [`#${word}:${homeserver.domain}`, `#${word}`];
    const alice = await this.#person(homeserver, 'alice');
    const visitor = await this.#person(homeserver, 'you');
    const room = await alice.createRoom({ name: 'Quickstart', alias: word });
    await visitor.join(room);
    const nick = isAllOurs ? 'anna' : `anna${Date.now() % 10_000}`;
    const anna = await IrcPerson.connect({ host: irc.host, port: irc.port, tls: irc.tls, nick }).catch((error: Error) => {
      throw new SetupError(`The IRC server at ${irc.host}:${irc.port} does not welcome ${nick}. ${error.message}`);
    });
    undo.push(() => anna.quit());
    await anna.join(channel);
    done(`${alice.userId} has made the room ${alias}, ${anna.nick} is in the channel ${channel}`);

    begin('starting the bridge');
    await this.#bridge?.run(room, channel);
    done(`The bridge runs and links the two: causeway run ${this.#bridge?.configFile}`);
    await this.#sayHello({ matrix: { person: alice, room }, irc: { person: anna, channel } });
    const name = visitor.userId.slice(1, visitor.userId.indexOf(':'));
    return [
      'Join with clients of your own:',
      `  Matrix   homeserver ${homeserver.url}, user ${name}, password ${visitor.password}, room ${alias}`,
      `  IRC      server ${irc.host}, port ${irc.port}, channel ${channel}   (irssi -c ${irc.host} -p ${irc.port} -n ${name})`,
    ].join('\n');
  }

  async #homeserver(irc: Awaited<ReturnType<typeof openIrc>>): Promise<HomeserverPlace> {
    const { begin, done, undo, say, signal } = this.#conduct;
    const { homeserver: foreign, registration, appserviceUrl } = this.#options;
    begin('reaching the homeserver');
    const place = foreign ? await foreignHomeserver(foreign, { say, signal }) : await ownHomeserver(this.#folder);

    begin('writing config and registration');
    const folder = foreign ? lastingFolder(foreign.url) : join(this.#folder, 'bridge');
    const bridge = new TrialBridge({ folder, homeserver: place, irc, registration, appserviceUrl });
    this.#bridge = bridge;
    const written = await bridge.prepare();
    done(`Config ${bridge.configFile}, registration ${bridge.registrationFile}`);

    begin(foreign ? 'waiting until the homeserver knows the bridge' : 'starting Synapse');
    undo.push(place.stop);
    undo.push(() => bridge.stop());
    done(await place.open({ file: bridge.registrationFile, ...written }));
    return place;
  }

  async #person(homeserver: HomeserverPlace, name: string): Promise<MatrixPerson> {
    const person = await new MatrixPerson({ url: homeserver.url, ...(await homeserver.person(name)) }).sync();
    this.#conduct.undo.push(() => person.stop());
    return person;
  }

  async #sayHello(ends: Parameters<typeof watchCrossings>[0]): Promise<void> {
    const { begin } = this.#conduct;
    const arrived = { Matrix: Promise.withResolvers<void>(), IRC: Promise.withResolvers<void>() };
    const words = { IRC: 'Hello from Matrix', Matrix: 'Hello from IRC' };
    const { said } = watchCrossings(ends, (crossing) => {
      this.#conduct.crossed(crossing);
      if (crossing.text === words[crossing.to]) arrived[crossing.to].resolve();
    });
    begin('waiting for the line from Matrix to arrive on IRC');
    said(words.IRC);
    await ends.matrix.person.say(ends.matrix.room, words.IRC);
    await arrived.IRC.promise;
    begin('waiting for the line from IRC to arrive on Matrix');
    said(words.Matrix);
    ends.irc.person.say(ends.irc.channel, words.Matrix);
    await arrived.Matrix.promise;
  }
}

// Step 5 towards the network: whose session speaks for an event, and in whose name the bot does where it must.

import { formedName } from '../formed-names.ts';
import { localpartOf, type UserId } from '../ids.ts';
import { type MatrixEvent, recordIn, stringIn } from '../matrix-event.ts';
import type { Roster } from '../membership/roster.ts';
import { type Link, namesIn, receiverOf } from '../plumbing/links.ts';
import type { Json, ShownAs } from '../remote-event.ts';
import type { Puppets, Voice } from '../virtual-users/puppets.ts';
import { shownName as profileName } from './content.ts';
import { isShowable, shownName } from './lines.ts';
import { mayBeTheBots, type Row } from './row.ts';

export interface VoiceParts<Body extends Json> {
  readonly roster: Pick<Roster, 'nameOf' | 'avatarOf' | 'hasNamesake'>;
  readonly puppets: Puppets<Body>;
  readonly isOurs: (user: UserId) => boolean;
  readonly isBridgeBot: (event: MatrixEvent) => Promise<boolean>;
  /** The public address of a picture, where there is one. */
  readonly picture: (mxc: string) => string | undefined;
}

/** A person as the room sees them; `avatar` is an mxc. */
export interface Person {
  readonly name: string;
  readonly avatar: string | undefined;
}

/** As they are called where the bot speaks for them. */
export interface Spoken extends Person {
  readonly isFormed: boolean;
  readonly isAmbiguous: () => boolean;
}

export class Voices<Body extends Json> {
  readonly #parts: VoiceParts<Body>;

  constructor(parts: VoiceParts<Body>) {
    this.#parts = parts;
  }

  async speakAs(link: Link, event: MatrixEvent, row?: Row): Promise<Voice<Body>> {
    const { puppets, isOurs, roster, isBridgeBot } = this.#parts;
    // Its session alone can find that, also where they have one of their own by now.
    if (row !== undefined && mayBeTheBots(row)) return await puppets.relay(link.channel, receiverOf(link));
    const isRelayed = isOurs(event.sender) || (await this.#spokenFor(event)) !== undefined;
    // What another bridge's bot takes away is somebody's doing there: the bot is no person to have a session.
    if (isRelayed || (event.type === 'm.room.redaction' && (await isBridgeBot(event))))
      return await puppets.relay(link.channel, receiverOf(link));
    return await puppets.speak(event.sender, roster.nameOf(event.room, event.sender), link.channel, receiverOf(link));
  }

  async personIn(event: MatrixEvent): Promise<Person> {
    const { roster } = this.#parts;
    const { room, sender } = event;
    const shown = await this.#spokenFor(event);
    if (shown !== undefined) return shown;
    const name = roster.nameOf(room, sender) ?? '';
    return { name: isShowable(name) ? name : localpartOf(sender), avatar: roster.avatarOf(room, sender) };
  }

  async spokenFor(event: MatrixEvent, link: Link): Promise<Spoken> {
    const { room, sender } = event;
    const person = await this.personIn(event);
    const template = namesIn(link);
    const isFormed = template !== undefined;
    return {
      ...person,
      ...(isFormed && { name: formedName(template, person.name, sender) }),
      isFormed,
      // What another bridge's bot says bears names of which this room knows nothing.
      isAmbiguous: () => person.name === this.#parts.roster.nameOf(room, sender) && this.#parts.roster.hasNamesake(room, sender),
    };
  }

  /** For networks that show it beside the words. */
  shownAs({ name, avatar, isFormed, isAmbiguous }: Spoken): ShownAs {
    const address = avatar === undefined ? undefined : this.#parts.picture(avatar);
    return {
      name: shownName(name),
      ...(address !== undefined && { avatar: address }),
      ...(isFormed ? { isFormed } : isAmbiguous() && { isAmbiguous: true }),
    };
  }

  /** In whose name a bridge's bot speaks. Anybody else speaks as themselves, whatever name they put on a message. */
  async #spokenFor(event: MatrixEvent): Promise<Person | undefined> {
    const shown = profileName(event.content);
    if (shown === undefined || !(this.#parts.isOurs(event.sender) || (await this.#parts.isBridgeBot(event)))) return undefined;
    return { name: shown.name, avatar: stringIn(recordIn(event.content, 'com.beeper.per_message_profile'), 'avatar_url') };
  }
}

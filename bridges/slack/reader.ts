// One team's events made into the core's: first whoever they name is looked up, where that is not known already, then they are
// read. What is heard and what the history tells is read alike.

import type { ChannelId } from '#bridge-core';
import { reactionNamed } from './emoji.ts';
import { isOfPrivate, peopleIn, remoteEventOf, type SlackRemoteEvent, saidIn, type View } from './events.ts';
import { type Fields, fieldsIn, textIn } from './fields.ts';
import { makeChannelId } from './ids.ts';
import type { Team } from './team.ts';

export interface About {
  /** In Slack. */
  readonly channel: string;
  readonly receivedAt: number;
  readonly key: string | undefined;
  readonly isRtm: boolean;
  /** As it says of itself. */
  readonly isPrivate?: boolean | undefined;
}

/** ms: an event waits no longer for who is named in it; Slack itself waits three seconds for us. */
const patience = 1_500;

export class Reader {
  readonly #team: Team;

  constructor(team: Team) {
    this.#team = team;
  }

  /** Undefined: all are known. Settles in any case: who cannot be had is called by their id. */
  prepare(event: Fields): Promise<unknown> | undefined {
    const people = this.#team.users.load([...peopleIn(event), ...mentionedIn(event)]);
    const channels = this.#channels(event);
    const files = event.files === undefined && event.message === undefined ? undefined : this.#team.foreignFiles.load(event);
    if (people === undefined && channels === undefined && files === undefined) return undefined;
    return inPatience(Promise.all([people, channels, files]));
  }

  /** The same for people alone. */
  introduce(people: readonly string[]): Promise<unknown> | undefined {
    const loading = this.#team.users.load(people);
    return loading === undefined ? undefined : inPatience(loading);
  }

  read(event: Fields, about: About): SlackRemoteEvent | undefined {
    const isPrivate = about.isPrivate ?? this.#team.conversations.known(about.channel)?.kind === 'private';
    return marked(remoteEventOf(event, this.view(about)), isPrivate);
  }

  /** A message as the history has it. */
  readPosted(message: Fields, about: About): SlackRemoteEvent | undefined {
    if (message.type === 'message' && textIn(message, 'subtype') === undefined) return saidIn(message, this.view(about));
    // What the channel is now says nothing of then.
    return marked(remoteEventOf({ ...message, type: 'message' }, this.view(about)), isOfPrivate(message) === true);
  }

  view({ channel, ...rest }: About): View {
    const { users, extras, foreignFiles, id } = this.#team;
    return {
      ...rest,
      channel: makeChannelId(id, channel),
      person: (of) => users.person(of),
      file: (of) => foreignFiles.known(of),
      emoji: (name) => {
        const { emoji, address } = reactionNamed(name, (of) => extras.emoji(of));
        return address === undefined ? { emoji } : { emoji, picture: { name, source: address } };
      },
    };
  }

  channelId(channel: string): ChannelId {
    return makeChannelId(this.#team.id, channel);
  }

  /** Channels that are named in a text, so that they can be called by their names. */
  #channels(event: Fields): Promise<unknown> | undefined {
    const { conversations } = this.#team;
    const unknown = namesIn(event, channelSign, /<#(C[A-Z0-9]+)\|?>/g).filter((id) => conversations.known(id) === undefined);
    return unknown.length === 0 ? undefined : Promise.allSettled(unknown.map((id) => conversations.load(id)));
  }
}

function marked(read: SlackRemoteEvent | undefined, isPrivate: boolean): SlackRemoteEvent | undefined {
  return read !== undefined && isPrivate ? { ...read, isPrivate } : read;
}

/** Undefined: it takes longer. */
export function inPatience<T>(work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, new Promise<undefined>((resolve) => setTimeout(resolve, patience, undefined).unref())]);
}

const channelSign = '<#';

/** `<@U0001>`: whoever is mentioned is called by their name. Slack writes the text beside the blocks, mentions and all. */
function mentionedIn(event: Fields): string[] {
  return namesIn(event, '<@', /<@([UWB][A-Z0-9]+)(?:\|[^>]*)?>/g);
}

function namesIn(event: Fields, sign: string, pattern: RegExp): string[] {
  const text = textIn(event, 'text') ?? textIn(fieldsIn(event, 'message'), 'text');
  if (text?.includes(sign) !== true) return [];
  return [...new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ''))].slice(0, 50);
}

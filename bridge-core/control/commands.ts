// Chat words → actions: in a direct chat with the bot, or after `!irc` in a room. One table, which also prints the help.

import { BridgeError, messageOf, RetryableError } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import { type MatrixEvent, noticeField, relationOf, replyTargetOf, stringIn } from '../matrix-event.ts';
import type { Actions, Asked } from './actions.ts';

export interface Command extends Asked {
  readonly word: string;
  readonly words: readonly string[];
}

interface Verb {
  /** The first is shown in the help; others are what people know from older bridges. */
  readonly names: readonly string[];
  readonly usage: string;
  readonly does: string;
  readonly run: (asked: Asked, words: readonly string[]) => Promise<string> | string;
}

export class Commands {
  readonly #prefix: string;
  readonly #isOurs: (user: UserId) => boolean;
  readonly #tell: (room: RoomId, text: string) => void;
  readonly #verbs: readonly Verb[];

  constructor(given: {
    /** The protocol's id: what follows `!` in a room. */
    prefix: string;
    isOurs: (user: UserId) => boolean;
    actions: Pick<Actions, 'link' | 'unlink' | 'list' | 'status' | 'whois' | 'nick'>;
    tell: (room: RoomId, text: string) => void;
  }) {
    this.#prefix = given.prefix.toLowerCase();
    this.#isOurs = given.isOurs;
    this.#tell = given.tell;
    const { actions } = given;
    this.#verbs = [
      {
        ...{ names: ['link', 'plumb'], usage: 'link [room] [network] #channel', does: 'links a room (this one unless named) to a channel' },
        run: (asked, words) => actions.link(asked, ...placeIn(words)),
      },
      {
        ...{ names: ['unlink', 'unplumb'], usage: 'unlink [room] [[network] #channel]', does: 'takes the link away' },
        run: (asked, words) => actions.unlink(asked, ...placeIn(words)),
      },
      {
        ...{ names: ['list', 'listrooms'], usage: 'list', does: 'shows what is linked' },
        run: (asked) => actions.list(asked),
      },
      {
        ...{ names: ['status'], usage: 'status', does: 'shows how the networks are connected' },
        run: (asked) => actions.status(asked),
      },
      {
        ...{ names: ['whois'], usage: 'whois [network] name | @user:server', does: 'tells who somebody is on the other side' },
        run: (asked, words) => actions.whois(asked, words.join(' ')),
      },
      {
        ...{ names: ['nick'], usage: 'nick [network] name', does: 'asks for another name of yours on the network' },
        run: (asked, words) => actions.nick(asked, words),
      },
      { ...{ names: ['help'], usage: 'help', does: 'shows this' }, run: () => this.help() },
    ];
  }

  /** Pure. Undefined: it is no command, and goes where messages go. */
  commandIn(event: MatrixEvent, isDirect: boolean): Command | undefined {
    if (event.type !== 'm.room.message' || event.content.msgtype !== 'm.text' || event.stateKey !== undefined) return undefined;
    if (event.content[noticeField] !== undefined || this.#isOurs(event.sender) || relationOf(event, 'm.replace') !== undefined)
      return undefined;
    const line = firstLine(event);
    const after = line.charAt(0) === '!' ? this.#afterPrefix(line) : undefined;
    if (after === undefined && !isDirect) return undefined;
    const [word = 'help', ...words] = (after ?? line.replace(/^!/, '')).split(/\s+/).filter((part) => part !== '');
    // With the prefix it is meant as in any room: this one.
    return { word: word.toLowerCase(), words, isDirect: after === undefined, by: event.sender, room: event.room, cause: event.id };
  }

  /** Does it and answers in the room where it was asked. Rejects only where no answer could be given either. */
  async run(command: Command): Promise<void> {
    this.#tell(command.room, await this.#answer(command));
  }

  help(): string {
    const lines = this.#verbs.map(({ usage, does }) => `${usage} – ${does}`);
    return [`In a direct chat with me, or in a room after “!${this.#prefix}”:`, ...lines].join('\n');
  }

  async #answer(command: Command): Promise<string> {
    const verb = this.#verbs.find(({ names }) => names.includes(command.word));
    if (verb === undefined) return `I do not know “${command.word.slice(0, 50)}”. ${this.help()}`;
    try {
      return await verb.run(command, command.words);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      if (thrown instanceof RetryableError && thrown.code.startsWith('HOMESERVER')) throw thrown;
      const remedy = thrown.code === 'DENIED' || thrown.code === 'BAD_REQUEST' ? '' : ` ${thrown.remedy}`;
      return `That was not done: ${messageOf(thrown).replace(/\.$/, '')}.${remedy}`;
    }
  }

  #afterPrefix(line: string): string | undefined {
    const [head = '', ...rest] = line.slice(1).split(/(\s+)/);
    return head.toLowerCase() === this.#prefix ? rest.join('') : undefined;
  }
}

/** `[room] channel…`: a room is an id, or an alias, which unlike a channel's name has a server in it. */
function placeIn(words: readonly string[]): [where: string | undefined, query: string] {
  const [first, ...rest] = words;
  const isRoom = first !== undefined && (first.startsWith('!') || (/^#[^:]+:[^:]/.test(first) && rest.length > 0));
  return isRoom ? [first, rest.join(' ')] : [undefined, words.join(' ')];
}

/** Commands are one line; in a reply the quoted lines before it are not the author's. */
function firstLine(event: MatrixEvent): string {
  const lines = (stringIn(event.content, 'body') ?? '').split(/\r\n|\n|\r/);
  const isReply = replyTargetOf(event) !== undefined;
  return (lines.find((line) => line.trim() !== '' && !(isReply && line.startsWith('>'))) ?? '').trim();
}

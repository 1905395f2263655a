// Chat words → actions: in a direct chat with the bot, or after `!irc` in a room. One table, which also prints the help.

import { BridgeError, messageOf, RetryableError } from '../errors.ts';
import { type EventId, eventId, type RoomId, type UserId } from '../ids.ts';
import { type MatrixEvent, noticeField, relationOf, replyTargetOf, stringIn } from '../matrix-event.ts';
import type { Accounts } from './accounts.ts';
import type { Actions, Asked } from './actions.ts';
import type { LoginConversations } from './login-conversations.ts';

export interface Command extends Asked {
  /** As it was said. */
  readonly line: string;
  readonly word: string;
  readonly words: readonly string[];
}

export interface Verb {
  /** The first is shown in the help; others are what people know from older bridges. */
  readonly names: readonly string[];
  readonly usage: string;
  readonly does: string;
  readonly run: (asked: Asked, words: readonly string[]) => Promise<string> | string;
  /** Said with these words it may hold a secret, and is taken away. */
  readonly hides?: (words: readonly string[]) => boolean;
}

/** Where people log in by chat. */
export interface LoginCommands {
  readonly accounts: Pick<Accounts, 'login' | 'logout' | 'whoami' | 'cancel'>;
  readonly conversations: Pick<LoginConversations, 'awaited' | 'answer' | 'isLate' | 'forgetLate'>;
  /** Takes a message away that holds a secret; false where the bot may not. */
  readonly hide: (room: RoomId, event: EventId) => Promise<boolean>;
}

export class Commands {
  readonly #prefix: string;
  readonly #logins: LoginCommands | undefined;
  readonly #isOurs: (user: UserId) => boolean;
  readonly #tell: (room: RoomId, text: string) => void;
  readonly #verbs: readonly Verb[];

  constructor(given: {
    /** The protocol's id: what follows `!` in a room. */
    prefix: string;
    isOurs: (user: UserId) => boolean;
    actions: Pick<Actions, 'link' | 'unlink' | 'approve' | 'refuse' | 'list' | 'status' | 'whois' | 'nick'>;
    /** The network's side may ask, and be asked. */
    hasRequests?: boolean;
    logins?: LoginCommands | undefined;
    /** What `list` shows before the links. */
    list?: ((asked: Asked) => Promise<string | undefined>) | undefined;
    /** The network's own, and those of what is switched on. */
    more?: readonly Verb[];
    tell: (room: RoomId, text: string) => void;
  }) {
    this.#logins = given.logins;
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
      ...(given.hasRequests === true ? answerVerbs(actions) : []),
      {
        ...{ names: ['list', 'listrooms'], usage: 'list [-F] [words]' },
        does:
          given.list === undefined
            ? 'shows what is linked here; with words, of all your rooms what fits them; with -F, what is not carried now'
            : 'shows the channels that you are in, and what is linked here; with words, of all your rooms what fits them; with -F, what is not carried now',
        run: async (asked, words) =>
          [words.length === 0 ? await given.list?.(asked) : undefined, actions.list(asked, words)].filter(Boolean).join('\n\n'),
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
      ...(given.logins === undefined ? [] : loginVerbs(given.logins.accounts)),
      ...(given.more ?? []),
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
    const asked: Asked = { isDirect: after === undefined, by: event.sender, room: event.room, cause: event.id };
    return { ...asked, word: word.toLowerCase(), words, line };
  }

  /** Does it and answers in the room where it was asked. Rejects only where no answer could be given either. */
  async run(command: Command): Promise<void> {
    if (await this.#isAnswer(command)) return;
    if (this.#verbOf(command)?.hides?.(command.words) === true) await this.#hide(command);
    this.#tell(command.room, await this.#answer(command));
  }

  /** In a direct chat a line may be an answer to what a login asks for. */
  async #isAnswer(command: Command): Promise<boolean> {
    if (this.#logins === undefined || !command.isDirect) return false;
    const { conversations } = this.#logins;
    const field = conversations.awaited(command.by, command.room);
    if (field !== undefined && command.line.toLowerCase() !== 'cancel') {
      if (field.secret === true) await this.#hide(command);
      conversations.answer(command.by, command.line);
      return true;
    }
    if (this.#verbOf(command) !== undefined || !conversations.isLate(command.by)) return false;
    await this.#hide(command);
    await conversations.forgetLate(command.by);
    this.#tell(command.room, 'That came too late: the login that asked for it is over. Say “login” to try again.');
    return true;
  }

  /** Before anything comes of it: where it fails all of this is tried again, and a secret would be taken for the answer to what is
   *  asked for next, or for a word that nobody knows. */
  async #hide(command: Command): Promise<void> {
    if ((await this.#logins?.hide(command.room, eventId(command.cause))) === false)
      this.#tell(command.room, 'Please delete that message of yours: it may hold a secret, and I may not do it.');
  }

  help(): string {
    const lines = this.#verbs.map(({ usage, does }) => `${usage} – ${does}`);
    return [`In a direct chat with me, or in a room after “!${this.#prefix}”:`, ...lines].join('\n');
  }

  async #answer(command: Command): Promise<string> {
    const verb = this.#verbOf(command);
    if (verb === undefined) return `I do not know ${quotable(command.word)}. ${this.help()}`;
    try {
      return await verb.run(command, command.words);
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown;
      if (thrown instanceof RetryableError && thrown.code.startsWith('HOMESERVER')) throw thrown;
      const remedy = thrown.code === 'DENIED' || thrown.code === 'BAD_REQUEST' ? '' : ` ${thrown.remedy}`;
      return `That was not done: ${messageOf(thrown).replace(/\.$/, '')}.${remedy}`;
    }
  }

  #verbOf({ word }: Command): Verb | undefined {
    return this.#verbs.find(({ names }) => names.includes(word));
  }

  #afterPrefix(line: string): string | undefined {
    const [head = '', ...rest] = line.slice(1).split(/(\s+)/);
    return head.toLowerCase() === this.#prefix ? rest.join('') : undefined;
  }
}

function answerVerbs(actions: Pick<Actions, 'approve' | 'refuse'>): Verb[] {
  return [
    {
      ...{ names: ['approve'], usage: 'approve [room] [channel]', does: 'agrees to a link that was asked for from the network' },
      run: (asked, words) => actions.approve(asked, ...placeIn(words)),
    },
    {
      ...{ names: ['refuse'], usage: 'refuse [room] [channel]', does: 'refuses it' },
      run: (asked, words) => actions.refuse(asked, ...placeIn(words)),
    },
  ];
}

function loginVerbs(accounts: LoginCommands['accounts']): Verb[] {
  return [
    {
      ...{ names: ['login'], usage: 'login [way]', does: 'lets you speak as yourself on the network' },
      run: (asked, words) => accounts.login(asked, words),
      // Whatever follows the name of a flow may well be what one logs in with.
      hides: (words) => words.length > 1,
    },
    {
      ...{ names: ['logout'], usage: 'logout [account]', does: 'ends that' },
      run: (asked, words) => accounts.logout(asked, words),
    },
    { ...{ names: ['whoami'], usage: 'whoami', does: 'tells who you are there' }, run: (asked) => accounts.whoami(asked) },
    { ...{ names: ['cancel'], usage: 'cancel', does: 'ends a login that is under way' }, run: (asked) => accounts.cancel(asked) },
  ];
}

/** Not what might be a secret, said at the wrong time. */
const quotable = (word: string): string => (/^[\p{L}?!.,’'-]{1,30}$/u.test(word) ? `“${word}”` : 'that');

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

// Login flows under way: a flow's straight line of steps on one side, a person in a direct chat (or behind a page) on the
// other. One at a time for each person. What a flow comes to is the caller's; that a secret is asked in the right place too.

import type { Logger } from '../adapter-tools.ts';
import { BridgeError, messageOf, PermanentError } from '../errors.ts';
import type { RoomId, UserId } from '../ids.ts';
import type { LoginField, LoginFlow, LoginResult, LoginStep } from '../logins.ts';
import type { Notes } from '../store/store.ts';

type Steps = ReturnType<LoginFlow['run']>;
type Answers = Record<string, string>;

interface Conversation {
  readonly user: UserId;
  readonly room: RoomId;
  readonly flow: LoginFlow;
  readonly steps: Steps;
  /** Still to be asked; the first of them was. */
  fields: readonly LoginField[];
  answers: Answers;
  timer: NodeJS.Timeout | undefined;
}

export interface LoginConversationsParts {
  readonly tell: (room: RoomId, text: string) => void;
  /** Keeps it, and tells the person. */
  readonly completed: (user: UserId, result: LoginResult) => Promise<void>;
  /** Remembers over a restart that a secret was asked for, so that it is known for one when it comes. */
  readonly notes: Notes;
  readonly log: Logger;
  /** ms that a person may take for a step. */
  readonly patience?: number;
}

const noteOf = (user: UserId): string => `asked for a secret: ${user}`;

export class LoginConversations {
  readonly #parts: LoginConversationsParts;
  readonly #patience: number;
  readonly #open = new Map<UserId, Conversation>();
  /** Of pages: they go on beside what is said in chat. */
  readonly #pages = new Set<Steps>();

  constructor(parts: LoginConversationsParts) {
    this.#parts = parts;
    this.#patience = parts.patience ?? 10 * 60_000;
  }

  /** Ends one that is under way. */
  begin(user: UserId, room: RoomId, flow: LoginFlow): void {
    this.cancel(user);
    const conversation: Conversation = {
      ...{ user, room, flow, steps: flow.run(user), fields: [], answers: {}, timer: undefined },
    };
    this.#open.set(user, conversation);
    this.#goOn(conversation, {});
  }

  /** What a line of theirs in this room is an answer to. */
  awaited(user: UserId, room: RoomId): LoginField | undefined {
    const open = this.#open.get(user);
    return open?.room === room ? open.fields[0] : undefined;
  }

  /** A secret was asked for, and the conversation is over: it ended too early, or we were started anew. */
  isLate(user: UserId): boolean {
    return this.#parts.notes.get(noteOf(user)) !== undefined && !this.#open.has(user);
  }

  async forgetLate(user: UserId): Promise<void> {
    await this.#parts.notes.set(noteOf(user), undefined);
  }

  #forgetSoon(user: UserId): void {
    this.forgetLate(user).catch((thrown) => this.#parts.log.warn({ why: messageOf(thrown) }, 'a note could not be removed'));
  }

  answer(user: UserId, words: string): void {
    const open = this.#open.get(user);
    const [field, ...others] = open?.fields ?? [];
    if (open === undefined || field === undefined) return;
    open.answers[field.name] = words;
    open.fields = others;
    if (others.length > 0) this.#ask(open);
    else this.#goOn(open, open.answers);
  }

  /** False: there was none. */
  cancel(user: UserId): boolean {
    const open = this.#open.get(user);
    if (open === undefined) return false;
    this.#end(open);
    this.#forgetSoon(user);
    return true;
  }

  /** The page with which this flow, or the first that has one, begins. It goes on there, and ends by `completed`. */
  async page(user: UserId, flows: readonly LoginFlow[]): Promise<string | undefined> {
    for (const flow of flows) {
      const steps = flow.run(user);
      const { value, done } = await steps.next({});
      if (done !== true && 'open' in value) {
        this.#followPage(user, steps);
        return value.open;
      }
      await steps.return(undefined);
    }
    return undefined;
  }

  stop(): void {
    for (const open of [...this.#open.values()]) this.#end(open);
    for (const steps of this.#pages) leave(steps);
    this.#pages.clear();
  }

  #goOn(open: Conversation, answers: Answers): void {
    this.#await(open);
    this.#drive(open, answers).catch((thrown) => {
      if (this.#open.get(open.user) !== open) return;
      this.#end(open);
      this.#forgetSoon(open.user);
      if (!(thrown instanceof BridgeError)) this.#parts.log.error({ err: thrown, flow: open.flow.id }, 'a login flow failed');
      const why = thrown instanceof BridgeError ? messageOf(thrown).replace(/\.$/, '') : 'the bridge has a defect there';
      this.#parts.tell(open.room, `You are not logged in: ${why}. Say “login” to try again.`);
    });
  }

  async #drive(open: Conversation, first: Answers): Promise<void> {
    for (let answers = first; ; answers = {}) {
      const step = await open.steps.next(answers);
      // Cancelled, or begun anew, while the network was asked.
      if (this.#open.get(open.user) !== open) return;
      if (step.done === true) return await this.#finish(open, step.value);
      if (this.#show(open, step.value)) return;
    }
  }

  /** True: it is for the person to go on. */
  #show(open: Conversation, step: LoginStep): boolean {
    const { tell } = this.#parts;
    if ('open' in step) tell(open.room, `Open this page to go on: ${step.open}`);
    else if ('wait' in step) tell(open.room, step.wait);
    else {
      open.fields = step.ask;
      open.answers = {};
      if (step.ask.length > 0) this.#ask(open);
    }
    return open.fields.length > 0;
  }

  #ask(open: Conversation): void {
    const [field] = open.fields;
    if (field === undefined) return;
    this.#await(open);
    const ask = () => this.#parts.tell(open.room, `${field.title}${/[.:?!]$/.test(field.title) ? '' : ':'} (or “cancel”)`);
    if (field.secret !== true) ask();
    else this.#askForSecret(open, ask);
  }

  #askForSecret(open: Conversation, ask: () => void): void {
    this.#parts.notes.set(noteOf(open.user), true).then(ask, (thrown) => {
      this.#parts.log.error({ why: messageOf(thrown) }, 'a secret is not asked for, since it could not be noted');
      this.#end(open);
    });
  }

  async #finish(open: Conversation, result: LoginResult | undefined): Promise<void> {
    if (result === undefined) this.#parts.tell(open.room, 'I shall say so here once you are logged in.');
    else await this.#parts.completed(open.user, result);
    this.#end(open);
    await this.forgetLate(open.user);
  }

  #await(open: Conversation): void {
    clearTimeout(open.timer);
    open.timer = setTimeout(() => {
      this.#end(open);
      this.#parts.tell(open.room, 'You are not logged in: there was no answer for long. Say “login” to try again.');
    }, this.#patience).unref();
  }

  #end(open: Conversation): void {
    clearTimeout(open.timer);
    if (this.#open.get(open.user) === open) this.#open.delete(open.user);
    leave(open.steps);
  }

  #followPage(user: UserId, steps: Steps): void {
    this.#pages.add(steps);
    const timer = setTimeout(() => leave(steps), this.#patience).unref();
    const follow = async () => {
      for (;;) {
        const step = await steps.next({});
        if (step.done !== true && !('ask' in step.value)) continue;
        if (step.done === true && step.value !== undefined) await this.#parts.completed(user, step.value);
        if (step.done !== true) throw new PermanentError('UNSUPPORTED', 'a page cannot be followed by a question');
        return;
      }
    };
    follow()
      .catch((thrown) => this.#parts.log.info({ user, why: messageOf(thrown) }, 'a login by page came to nothing'))
      .finally(() => {
        clearTimeout(timer);
        this.#pages.delete(steps);
        leave(steps);
      });
  }
}

/** A flow that waits for the network hears of it when that answers; nobody waits for it. */
function leave(steps: Steps): void {
  steps.return(undefined).catch(() => {});
}

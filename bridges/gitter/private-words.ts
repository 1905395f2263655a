// Who writes to the relay account privately is answered once: nobody reads it. What such a chat says is no event of the bridge's.

import { type KeyValue, type Logger, messageOf, UnknownOutcomeError } from '#bridge-core';
import type { GitterNetwork } from './network.ts';
import { hasId, isRecord, messageIn, messagesIn, type WireChange, type WireMessage, type WireRoom } from './wire/objects.ts';

export interface PrivateWordsParts {
  readonly network: Pick<GitterNetwork, 'bot'>;
  readonly memory: KeyValue;
  readonly log: Logger;
  readonly say: (chat: WireRoom, words: string) => Promise<void>;
}

const answer =
  'This is the account of a bridge to Matrix: nobody reads what is written here. What is said in the rooms that it is in goes to Matrix, and so to people.';

/** Chats that are listened to at once. */
const mostChats = 500;

export class PrivateWords {
  readonly #parts: PrivateWordsParts;
  readonly #chats = new Map<string, WireRoom>();

  constructor(parts: PrivateWordsParts) {
    this.#parts = parts;
  }

  /** Whenever the relay account is there, maybe by another connection. */
  listen(): void {
    const { bot } = this.#parts.network;
    bot.listen(`/api/v1/user/${bot.id}/rooms`, {
      onData: (data) => {
        const { operation, model } = isRecord(data) ? (data as WireChange) : {};
        if (operation === 'create' && hasId(model)) this.#opened(model, true);
      },
    });
    for (const chat of this.#chats.values()) this.#hear(chat, false);
  }

  /** What the relay account is in, as its list has it. */
  read(rooms: readonly WireRoom[]): void {
    for (const room of rooms) this.#opened(room, false);
  }

  /** In a new chat something was said before anybody could listen. */
  #opened(room: WireRoom, isNew: boolean): void {
    const isOurs = room.oneToOne === true && this.#parts.memory.get(answeredName(room)) === undefined;
    if (!isOurs || this.#chats.has(room.id) || this.#chats.size >= mostChats) return;
    this.#chats.set(room.id, room);
    this.#hear(room, isNew);
  }

  #hear(chat: WireRoom, isNew: boolean): void {
    const { bot } = this.#parts.network;
    bot.listen(channelOf(chat), {
      onData: (data) => {
        const { operation, model } = isRecord(data) ? (data as WireChange) : {};
        if (operation === 'create') this.#heard(chat, messageIn(model));
      },
      onOpen: () => {
        if (!isNew) return;
        const call = { route: '/rooms/:id/chatMessages', with: { id: chat.id }, query: { limit: 10 }, haste: 'background' as const };
        bot.ask(call).then(
          (told) => {
            for (const message of messagesIn(told)) this.#heard(chat, message);
          },
          (thrown) => this.#failed(thrown),
        );
      },
    });
  }

  #heard(chat: WireRoom, message: WireMessage | undefined): void {
    const { network, memory, say } = this.#parts;
    const { bot } = network;
    const author = message?.fromUser?.id;
    if (author === undefined || author === bot.id || !this.#chats.delete(chat.id)) return;
    bot.line?.unsubscribe(channelOf(chat));
    const answering = memory.set(answeredName(chat), true).then(() => say(chat, answer));
    answering.catch((thrown) => {
      this.#failed(thrown);
      if (thrown instanceof UnknownOutcomeError) return;
      const forgotten = memory.set(answeredName(chat), undefined);
      forgotten.then(() => this.#opened(chat, false)).catch(() => {});
    });
  }

  #failed(thrown: unknown): void {
    this.#parts.log.info({ why: messageOf(thrown) }, 'who writes to the relay account could not be answered');
  }
}

const channelOf = ({ id }: WireRoom): string => `/api/v1/rooms/${id}/chatMessages`;
const answeredName = ({ id }: WireRoom): string => `answered ${id}`;

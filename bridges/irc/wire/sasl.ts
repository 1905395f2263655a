// SASL over AUTHENTICATE: PLAIN, EXTERNAL and SCRAM-SHA-256 (scram.ts), in 400-byte pieces of base64. With `auto` the strongest
// mechanism that is offered, then the weaker: a service may hold a password in a form that SCRAM cannot use.

import type { OutLine, SaslSettings } from './connection.ts';
import { Scram, ScramFailure } from './scram.ts';

const piece = 400;

/** The longest challenge that is put together; SCRAM's are under 300 bytes. */
const maxChallenge = 16_384;

type Mechanism = 'EXTERNAL' | 'PLAIN' | 'SCRAM-SHA-256';

export class Authentication {
  readonly #sasl: SaslSettings;
  readonly #write: (line: OutLine) => void;
  readonly #done: () => void;
  readonly #failed: (reason: string) => void;
  #left: Mechanism[];
  #mechanism: Mechanism | undefined;
  #scram: Scram | undefined;
  #challenge = '';
  #isOver = false;

  /** `offered` is the value of the capability: mechanisms with commas, '' where the server does not list them. One of `done`
   *  and `failed` is called once, unless dropped before. */
  constructor(parts: {
    sasl: SaslSettings;
    offered: string;
    write: (line: OutLine) => void;
    done: () => void;
    failed: (reason: string) => void;
  }) {
    this.#sasl = parts.sasl;
    this.#write = parts.write;
    this.#done = parts.done;
    this.#failed = parts.failed;
    const able = mechanismsFor(parts.sasl);
    const offered = parts.offered.toUpperCase().split(',');
    this.#left = parts.offered === '' ? able : able.filter((each) => offered.includes(each));
    if (this.#left.length === 0) this.#fail(`the server offers SASL ${parts.offered} only, not ${able.join(' or ')}`);
    else this.#begin();
  }

  drop(): void {
    this.#isOver = true;
  }

  /** The param of AUTHENTICATE from the server. */
  challenge(text: string): void {
    if (this.#isOver || this.#mechanism === undefined) return;
    if (text !== '+') this.#challenge += text;
    if (this.#challenge.length > maxChallenge) this.#fail('the challenge is too long');
    if (this.#isOver || text.length === piece) return;
    const challenge = Buffer.from(this.#challenge, 'base64').toString();
    this.#challenge = '';
    this.#respond(challenge).catch((thrown: unknown) => {
      // A server that cannot prove itself must not be handed the password by a weaker mechanism.
      if (thrown instanceof ScramFailure) {
        if (!this.#isOver) this.#write({ command: 'AUTHENTICATE', params: ['*'] });
        this.#fail(thrown.message);
      } else this.#fail(`SASL broke down: ${String(thrown)}`);
    });
  }

  /** 902–908; `list` is the first param after the nick, which 908 fills with mechanisms. */
  numeric(numeric: string, list: string, text: string): void {
    if (this.#isOver) return;
    switch (numeric) {
      case '903':
      case '907':
        if (numeric === '903' && this.#scram !== undefined && !this.#scram.isProven) {
          this.#fail('the server has not proved that it knows the password');
          return;
        }
        this.#isOver = true;
        this.#done();
        return;
      case '908': {
        const offered = list.toUpperCase().split(',');
        this.#left = this.#left.filter((each) => offered.includes(each));
        // 904 follows, and moves on to the next; with none left that is the reason to give.
        if (this.#left.length === 0) this.#fail(`the server offers SASL ${list} only`);
        return;
      }
      case '904':
      case '905':
        if (this.#left.length > 0) this.#begin();
        else this.#fail(text || numeric);
        return;
      default:
        this.#fail(text || numeric);
    }
  }

  #begin(): void {
    this.#mechanism = this.#left.shift();
    this.#challenge = '';
    this.#scram = undefined;
    if (this.#mechanism !== undefined) this.#write({ command: 'AUTHENTICATE', params: [this.#mechanism] });
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failed(reason);
  }

  async #respond(challenge: string): Promise<void> {
    const sasl = this.#sasl;
    if (this.#mechanism === 'EXTERNAL' || sasl.mechanism === 'external') {
      // No account named: some services refuse one that is, even the right one.
      this.#reply('');
    } else if (this.#mechanism === 'PLAIN') {
      this.#reply(`\0${sasl.username}\0${sasl.password}`);
    } else if (this.#scram === undefined) {
      this.#scram = new Scram(sasl.username, sasl.password);
      this.#reply(this.#scram.first());
    } else {
      const scram = this.#scram;
      const reply = scram.isAnswered ? scram.verify(challenge) : await scram.answer(challenge);
      if (!this.#isOver && this.#scram === scram) this.#reply(reply);
    }
  }

  #reply(text: string): void {
    const encoded = Buffer.from(text).toString('base64');
    for (let at = 0; at < encoded.length; at += piece) {
      this.#write({ command: 'AUTHENTICATE', params: [encoded.slice(at, at + piece)] });
    }
    // The end is a piece shorter than the rest; where none is, an empty one.
    if (encoded.length % piece === 0) this.#write({ command: 'AUTHENTICATE', params: ['+'] });
  }
}

function mechanismsFor(sasl: SaslSettings): Mechanism[] {
  switch (sasl.mechanism) {
    case 'external':
      return ['EXTERNAL'];
    case 'plain':
      return ['PLAIN'];
    case 'scram-sha-256':
      return ['SCRAM-SHA-256'];
    case 'auto':
      return ['SCRAM-SHA-256', 'PLAIN'];
  }
}

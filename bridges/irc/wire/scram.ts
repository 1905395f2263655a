// SCRAM-SHA-256, the client's side (RFC 5802, RFC 7677), without channel binding. The password never leaves, and the server
// must prove that it knows it too.

import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

/** RFC 7677 asks for 4096 at least; the upper bound keeps a hostile server from holding a thread for minutes. */
const leastIterations = 4096;
const mostIterations = 2_000_000;

export class ScramFailure extends Error {}

export class Scram {
  readonly #bare: string;
  readonly #password: string;
  readonly #nonce: string;
  #signature: Buffer | undefined;
  #isProven = false;

  constructor(username: string, password: string, nonce = randomBytes(24).toString('base64')) {
    this.#nonce = nonce;
    this.#password = prepare(password);
    this.#bare = `n=${prepare(username).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  /** The answer to the server's challenge was made. */
  get isAnswered(): boolean {
    return this.#signature !== undefined;
  }

  get isProven(): boolean {
    return this.#isProven;
  }

  first(): string {
    return `n,,${this.#bare}`;
  }

  /** From `r=…,s=…,i=…` the client's final message. */
  async answer(challenge: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: iterations = '', m: extension } = attributes(challenge);
    if (extension !== undefined) throw new ScramFailure('the server asks for a SCRAM extension that is not known');
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw new ScramFailure('the server answered with a nonce not ours');
    const rounds = /^\d{1,9}$/.test(iterations) ? Number(iterations) : 0;
    if (salt === '' || rounds < leastIterations || rounds > mostIterations) {
      throw new ScramFailure(`the server asks for ${iterations || 'no'} rounds of SCRAM with ${salt === '' ? 'no' : 'a'} salt`);
    }
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), rounds, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${nonce}`;
    const said = `${this.#bare},${challenge},${withoutProof}`;
    const mask = hmac(createHash('sha256').update(clientKey).digest(), said);
    const proof = clientKey.map((byte, i) => byte ^ (mask[i] ?? 0));
    this.#signature = hmac(hmac(salted, 'Server Key'), said);
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Checks `v=…`; the reply is empty. */
  verify(final: string): string {
    const { v: signature, e: error } = attributes(final);
    if (error !== undefined) throw new ScramFailure(`the server refuses: ${error}`);
    const given = Buffer.from(signature ?? '', 'base64');
    if (this.#signature === undefined || given.length !== this.#signature.length || !timingSafeEqual(given, this.#signature)) {
      throw new ScramFailure('the signature of the server is wrong: it does not know the password, and may be another server');
    }
    this.#isProven = true;
    return '';
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function attributes(message: string): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = Object.create(null);
  for (const part of message.split(',')) if (part[1] === '=') found[part.slice(0, 1)] = part.slice(2);
  return found;
}

/** SASLprep (RFC 4013) as far as it changes what people type: odd spaces, invisible characters, compatibility forms. */
function prepare(text: string): string {
  return text
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC');
}

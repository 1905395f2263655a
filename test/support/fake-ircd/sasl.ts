// The server's side of SASL: PLAIN (RFC 4616) and SCRAM-SHA-256 (RFC 5802, RFC 7677), in the pieces of ircv3.net's sasl-3.1.
// Really computed from the account's password, so that a wrong proof on either side shows.

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

export type SaslOutcome = { readonly account: string } | { readonly challenge: string } | 'failed' | 'more';

export class SaslServer {
  readonly #mechanism: string;
  readonly #passwordOf: (account: string) => string | undefined;
  readonly #isForged: boolean;
  #collected = '';
  #scram:
    | { readonly account: string; readonly password: string; readonly said: string; readonly nonce: string; readonly salt: Buffer }
    | undefined;
  #proven: string | undefined;

  constructor(mechanism: string, passwordOf: (account: string) => string | undefined, isForged: boolean) {
    this.#mechanism = mechanism;
    this.#passwordOf = passwordOf;
    this.#isForged = isForged;
  }

  take(piece: string): SaslOutcome {
    if (piece !== '+') this.#collected += piece;
    if (piece.length === 400) return 'more';
    const message = Buffer.from(this.#collected, 'base64').toString();
    this.#collected = '';
    if (this.#mechanism === 'PLAIN') return this.#plain(message);
    if (this.#proven !== undefined) return { account: this.#proven };
    return this.#scram === undefined ? this.#scramFirst(message) : this.#scramFinal(message);
  }

  #plain(message: string): SaslOutcome {
    const [, account = '', password = ''] = message.split('\0');
    return this.#passwordOf(account) === password ? { account } : 'failed';
  }

  #scramFirst(message: string): SaslOutcome {
    const parts = /^n,,(n=([^,]*),r=([!-+\--~]+))$/.exec(message);
    if (parts === null) return 'failed';
    const [, bare = '', name = '', clientNonce = ''] = parts;
    const account = name.replaceAll('=2C', ',').replaceAll('=3D', '=');
    const password = this.#passwordOf(account);
    if (password === undefined) return 'failed';
    const nonce = clientNonce + randomBytes(12).toString('hex');
    const salt = randomBytes(16);
    const challenge = `r=${nonce},s=${salt.toString('base64')},i=4096`;
    this.#scram = { account, password, nonce, salt, said: `${bare},${challenge}` };
    return { challenge };
  }

  #scramFinal(message: string): SaslOutcome {
    const scram = this.#scram;
    const parts = /^(c=biws,r=([^,]+)),p=(.+)$/.exec(message);
    if (scram === undefined || parts === null || parts[2] !== scram.nonce) return 'failed';
    const said = `${scram.said},${parts[1]}`;
    const salted = pbkdf2Sync(scram.password.normalize('NFKC'), scram.salt, 4096, 32, 'sha256');
    const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const mask = hmac(createHash('sha256').update(clientKey).digest(), said);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (mask[i] ?? 0)));
    const given = Buffer.from(parts[3] ?? '', 'base64');
    if (given.length !== proof.length || !timingSafeEqual(given, proof)) return 'failed';
    this.#proven = scram.account;
    const signature = this.#isForged ? randomBytes(32) : hmac(hmac(salted, 'Server Key'), said);
    return { challenge: `v=${signature.toString('base64')}` };
  }
}

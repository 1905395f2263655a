// The bridge's own secrets, in one file that only its owner may read: keys to sign public links and to seal what people
// entrust to us. The newest key is used, older ones are still understood. Made once, beside the store, never sent anywhere.

import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import { isRecord } from '../matrix-event.ts';

export interface Keys {
  /** HMAC-SHA256 under the newest key. Begin `text` with what it is for, so that no signature serves two ends. */
  sign(text: string): Buffer;
  /** True for a signature of any key that is kept; `mac` may be cut, to 16 bytes at least. In constant time. */
  verify(text: string, mac: Uint8Array): boolean;
  /** Encrypted and authenticated. `owner` must be the same to unseal: a sealed text moved to another's row stays shut. */
  seal(text: string, owner: string): string;
  unseal(sealed: string, owner: string): string;
  /** New keys from now on; what the older ones sealed still opens. */
  rotate(): Promise<void>;
  /** Forgets the older sealing keys, once nothing is sealed with them any more. Signatures stay good. */
  retire(): Promise<void>;
  count(): { readonly signing: number; readonly sealing: number };
}

interface Key {
  readonly id: string;
  readonly secret: Buffer;
}

interface KeyRing {
  /** Newest first. */
  readonly signing: readonly Key[];
  readonly sealing: readonly Key[];
}

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const shortestMac = 16;

/** `mayCreate: false` where the store already holds what only the lost keys could read. */
export async function openKeys(path: string, { mayCreate = true }: { mayCreate?: boolean } = {}): Promise<Keys> {
  const found = await readRing(path);
  if (found !== undefined) return new FileKeys(path, found);
  if (!mayCreate) throw unreadable(path, 'it is missing, though the store was made with one');
  const made = { signing: [newKey()], sealing: [newKey()] };
  await writeRing(path, made);
  return new FileKeys(path, made);
}

class FileKeys implements Keys {
  readonly #path: string;
  #ring: KeyRing;

  constructor(path: string, ring: KeyRing) {
    this.#path = path;
    this.#ring = ring;
  }

  sign(text: string): Buffer {
    return hmac(newest(this.#ring.signing), text);
  }

  verify(text: string, mac: Uint8Array): boolean {
    if (mac.length < shortestMac || mac.length > keyBytes) return false;
    let matches = false;
    for (const key of this.#ring.signing) {
      if (timingSafeEqual(hmac(key, text).subarray(0, mac.length), mac)) matches = true;
    }
    return matches;
  }

  seal(text: string, owner: string): string {
    const key = newest(this.#ring.sealing);
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key.secret, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${key.id}.${sealed.toString('base64url')}`;
  }

  unseal(sealed: string, owner: string): string {
    const dot = sealed.indexOf('.');
    const key = this.#ring.sealing.find(({ id }) => id === sealed.slice(0, dot));
    if (key === undefined) throw unreadable(this.#path, `it lacks the key ${sealed.slice(0, dot)}`);
    const bytes = Buffer.from(sealed.slice(dot + 1), 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.secret, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(owner))
        .setAuthTag(bytes.subarray(-tagBytes));
      return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw unreadable(this.#path, `what was sealed for ${owner} does not open with it`, cause);
    }
  }

  async rotate(): Promise<void> {
    const ring = { signing: [newKey(), ...this.#ring.signing], sealing: [newKey(), ...this.#ring.sealing] };
    await writeRing(this.#path, ring);
    this.#ring = ring;
  }

  count(): { readonly signing: number; readonly sealing: number } {
    return { signing: this.#ring.signing.length, sealing: this.#ring.sealing.length };
  }

  async retire(): Promise<void> {
    const ring = { signing: this.#ring.signing, sealing: [newest(this.#ring.sealing)] };
    await writeRing(this.#path, ring);
    this.#ring = ring;
  }
}

async function readRing(path: string): Promise<KeyRing | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw unreadable(path, 'others than its owner may read it: `chmod 600` it');
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, messageOf(thrown), thrown);
  }
  try {
    const file: unknown = JSON.parse(text);
    if (!isRecord(file)) throw new Error('no object');
    return { signing: keysIn(file.signing), sealing: keysIn(file.sealing) };
  } catch (thrown) {
    throw unreadable(path, `it is damaged (${messageOf(thrown)}); move it away before a new one is made`, thrown);
  }
}

function keysIn(list: unknown): Key[] {
  if (!Array.isArray(list) || list.length === 0) throw new Error('no keys in it');
  return list.map((entry: unknown) => {
    const secret = isRecord(entry) && typeof entry.key === 'string' ? Buffer.from(entry.key, 'base64url') : undefined;
    if (!isRecord(entry) || typeof entry.id !== 'string' || secret?.length !== keyBytes) throw new Error('a key of the wrong shape');
    return { id: entry.id, secret };
  });
}

/** Whole or not at all, and on disk before anything is sealed with it. */
async function writeRing(path: string, ring: KeyRing): Promise<void> {
  const written = (keys: readonly Key[]) => keys.map(({ id, secret }) => ({ id, key: secret.toString('base64url') }));
  const text = `${JSON.stringify({ signing: written(ring.signing), sealing: written(ring.sealing) }, null, 2)}\n`;
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (thrown) {
    await unlink(draft).catch(() => {});
    throw unreadable(path, `it cannot be written (${messageOf(thrown)})`, thrown);
  }
}

function newKey(): Key {
  return { id: randomBytes(4).toString('hex'), secret: randomBytes(keyBytes) };
}

function newest(keys: readonly Key[]): Key {
  const [first] = keys;
  if (first === undefined) throw new ConfigError('KEYS_UNREADABLE', 'no keys');
  return first;
}

function hmac(key: Key, text: string): Buffer {
  return createHmac('sha256', key.secret).update(text).digest();
}

function unreadable(path: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError('KEYS_UNREADABLE', `the keys file ${path}: ${why}`, cause);
}

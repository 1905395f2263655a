// Pictures and files of the network's, brought to the homeserver: streamed from one to the other, each source once. The only
// writer of its table. What cannot be brought is told apart from a homeserver that cannot take anything just now.

import type { Adapter } from '../adapter.ts';
import { BridgeError, messageOf, PermanentError, RetryableError, UnreachableError } from '../errors.ts';
import type { UserId } from '../ids.ts';
import type { RemoteFile } from '../remote-event.ts';
import type { Statement, Store } from '../store/store.ts';
import type { Homeserver } from './homeserver.ts';

const dayMs = 86_400_000;
const keepDays = 30;
/** What could not be brought is not asked for again so soon, ms, where nothing hangs on it. */
const leaveAlone = 60_000;
const mostLeftAlone = 1_000;
const anyType = 'application/octet-stream';

/** It is the file that cannot be brought, not the homeserver that cannot take one. `mayPass`: another try may fare better. */
export class NotBrought extends PermanentError {
  readonly mayPass: boolean;
  constructor(error: BridgeError, mayPass: boolean) {
    super(error.code, error.message, error);
    this.mayPass = mayPass;
  }
}

export interface BroughtParts {
  readonly store: Store;
  readonly homeserver: Pick<Homeserver, 'upload' | 'largestUpload'>;
  /** A function, for an adapter may lack it. */
  readonly open: Adapter['open'];
}

export interface BroughtFile {
  readonly mxc: string;
  /** As the network says it, or as its first bytes do. */
  readonly type: string;
}

export class Brought {
  readonly #parts: BroughtParts;
  readonly #select: Statement<{ mxc: string }>;
  readonly #put: Statement;
  readonly #underWay = new Map<string, Promise<BroughtFile>>();
  readonly #leftAlone = new Map<string, number>();

  constructor(parts: BroughtParts) {
    this.#parts = parts;
    this.#select = parts.store.prepare('SELECT mxc FROM brought WHERE source = ?');
    this.#put = parts.store.prepare('INSERT OR REPLACE INTO brought (source, mxc, day) VALUES (?, ?, ?)');
  }

  /** Rejects with NotBrought where it is the file's own fault, and with what lanes may retry where it is the homeserver's. */
  async file(file: RemoteFile, as: UserId): Promise<BroughtFile> {
    if (file.source.startsWith('mxc://')) return { mxc: file.source, type: file.type ?? anyType };
    const known = this.#select.get(file.source);
    if (known !== undefined) return fileIn(known.mxc, file);
    let bringing = this.#underWay.get(file.source);
    if (bringing === undefined) {
      bringing = this.#bring(file, as).finally(() => this.#underWay.delete(file.source));
      this.#underWay.set(file.source, bringing);
    }
    return await bringing;
  }

  /** Of something small that words can stand for: undefined where it cannot be brought, now or ever. */
  async picture(file: RemoteFile, as: UserId): Promise<string | undefined> {
    const until = this.#leftAlone.get(file.source);
    if (until !== undefined && until > Date.now()) return undefined;
    try {
      const { mxc, type } = await this.file(file, as);
      return type.startsWith('image/') ? mxc : undefined;
    } catch (thrown) {
      if (!(thrown instanceof NotBrought)) throw thrown;
      this.#leaveAlone(file.source);
      return undefined;
    }
  }

  /** For a ghost: rejects for good where there is none to be had. */
  async avatar(source: string, ghost: UserId): Promise<string> {
    const mxc = await this.picture({ name: 'avatar', source }, ghost);
    if (mxc === undefined) throw new PermanentError('NETWORK_REFUSED', `no picture at ${source.slice(0, 200)}`);
    return mxc;
  }

  /** In a unit; a slice at a time, when idle. */
  trim(): void {
    this.#parts.store
      .prepare('DELETE FROM brought WHERE source IN (SELECT source FROM brought WHERE day < ? LIMIT 500)')
      .run(Math.floor(Date.now() / dayMs) - keepDays);
  }

  async #bring(file: RemoteFile, as: UserId): Promise<BroughtFile> {
    const { homeserver, store } = this.#parts;
    const largest = (await homeserver.largestUpload()) ?? Number.POSITIVE_INFINITY;
    if (file.bytes !== undefined && file.bytes > largest) throw tooLarge(file.bytes, largest);
    const brought = await this.#carry(file, as, largest, file.bytes).catch((thrown: unknown) => {
      // Networks round, or tell the size of another rendering: collected first, the length is right.
      if (thrown instanceof OtherSize) return this.#carry(file, as, largest, undefined);
      throw thrown;
    });
    const noted = file.type === undefined ? `${brought.mxc} ${brought.type}` : brought.mxc;
    await store.write(() => this.#put.run(file.source, noted, Math.floor(Date.now() / dayMs)));
    return brought;
  }

  async #carry(file: RemoteFile, as: UserId, largest: number, size: number | undefined): Promise<BroughtFile> {
    const source = await this.#opened(file);
    // Our own failures while the homeserver reads would look like its own.
    let failure: NotBrought | OtherSize | undefined;
    const bytes = counted(source, size, largest, (thrown) => {
      failure = thrown;
    });
    try {
      const first = await bytes.next();
      const head = first.done === true ? new Uint8Array(0) : first.value;
      const type = file.type ?? typeOf(head);
      return { mxc: await this.#parts.homeserver.upload(as, joined(head, bytes), type, file.name, size), type };
    } catch (thrown) {
      if (failure !== undefined) throw failure;
      if (thrown instanceof PermanentError && !(thrown instanceof NotBrought)) throw new NotBrought(thrown, false);
      throw thrown;
    } finally {
      await bytes.return(undefined);
      await source.cancel().catch(() => undefined);
    }
  }

  async #opened(file: RemoteFile): Promise<ReadableStream<Uint8Array>> {
    const { open } = this.#parts;
    if (open === undefined) throw new NotBrought(new PermanentError('UNSUPPORTED', 'files cannot be read from this network'), false);
    try {
      return await open(file);
    } catch (thrown) {
      throw theirs(thrown);
    }
  }

  #leaveAlone(source: string): void {
    this.#leftAlone.delete(source);
    this.#leftAlone.set(source, Date.now() + leaveAlone);
    const [oldest] = this.#leftAlone.keys();
    if (this.#leftAlone.size > mostLeftAlone && oldest !== undefined) this.#leftAlone.delete(oldest);
  }
}

class OtherSize extends Error {}

/** What comes out is what was promised, or nothing: half a file must not pass for the whole. */
async function* counted(
  source: ReadableStream<Uint8Array>,
  size: number | undefined,
  largest: number,
  failed: (thrown: NotBrought | OtherSize) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  const fail = <Failure extends NotBrought | OtherSize>(failure: Failure): Failure => {
    failed(failure);
    return failure;
  };
  const reader = source.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((thrown: unknown) => {
        throw fail(theirs(thrown));
      });
      if (done) break;
      count += value.byteLength;
      if (size !== undefined && count > size) throw fail(new OtherSize());
      if (count > largest) throw fail(tooLarge(count, largest));
      yield value;
    }
    if (size !== undefined && count !== size) throw fail(new OtherSize());
  } finally {
    await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

async function* joined(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.byteLength > 0) yield head;
  yield* rest;
}

/** The network's fault, whatever it threw. */
function theirs(thrown: unknown): NotBrought {
  if (thrown instanceof NotBrought) return thrown;
  if (thrown instanceof RetryableError) return new NotBrought(thrown, true);
  if (thrown instanceof BridgeError) return new NotBrought(thrown, false);
  return new NotBrought(new UnreachableError('NETWORK_UNREACHABLE', messageOf(thrown), { cause: thrown }), true);
}

function tooLarge(bytes: number, largest: number): NotBrought {
  return new NotBrought(new PermanentError('EVENT_TOO_LARGE', `${bytes} bytes, and the homeserver takes ${largest}`), false);
}

/** The type stands beside the address where the network does not say it. */
function fileIn(noted: string, file: RemoteFile): BroughtFile {
  const [mxc = '', type] = noted.split(' ');
  return { mxc, type: file.type ?? type ?? anyType };
}

/** Homeservers make thumbnails only of what is called a picture. */
function typeOf(head: Uint8Array): string {
  const text = Buffer.from(head.subarray(0, 16)).toString('latin1');
  if (text.startsWith('\x89PNG')) return 'image/png';
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('GIF8')) return 'image/gif';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp';
  return anyType;
}

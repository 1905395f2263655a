// A socket that speaks lines: opens TCP or TLS, reads into one buffer shared by all connections, writes what was said in one
// turn at once. A quiet socket drops other people's channel lines unparsed and is read in slices. Knows no IRC beyond that.

import { isUtf8 } from 'node:buffer';
import net from 'node:net';
import tls from 'node:tls';
import { TextDecoder } from 'node:util';
import { ConfigError } from '#bridge-core';
import type { ConnectionSettings } from './connection.ts';
import { type Ending, lostEnding, socketEnding } from './faults.ts';
import { concerns } from './quiet.ts';
import { sleep, takePlace } from './slices.ts';

export interface LineSink {
  /** One line as it came, without its end. Empty lines do not come. */
  line(text: string): void;
  /** Once, the last call. */
  ended(ending: Ending): void;
}

/** Reads of every connection land here; the callback of a read has used it up before the next read begins. */
const quietBuffer = Buffer.allocUnsafeSlow(65_536);
/** Of those that hand on all they hear: no more lines at once than are on disk within a few ms. */
const openBuffer = quietBuffer.subarray(0, 2_048);

/** Tags 8191, text 512 or a larger LINELEN; who sends more without a line end does not speak IRC. */
const maxLine = 16_384;

/** What a server that has stopped reading may cost us. */
const maxUnsent = 4 * 1024 * 1024;

export class LineSocket {
  readonly name: string;
  sink: LineSink | undefined;
  /** Bytes came since the keepalive last looked. */
  heard = true;
  /** Own nick, its UTF-8 bytes as characters, where lines of other people are to be dropped; undefined lets all through. */
  quietNick: string | undefined;
  /** Quiet, but something is awaited: read at once. */
  hurried = false;
  /** Quiet, but an answer is awaited that may hold lines which would be dropped otherwise. */
  isAsking = false;
  readonly place = takePlace();
  readonly #encoding: string;
  readonly #buffer: Buffer;
  #socket: net.Socket | undefined;
  /** The begun line, its bytes as characters. */
  #rest = '';
  #unsent = '';
  #paused = false;
  #ending: Ending | undefined;

  constructor(settings: ConnectionSettings) {
    this.name = `${settings.host}:${settings.port}`;
    this.#encoding = settings.encoding;
    this.#buffer = settings.quiet === true ? quietBuffer : openBuffer;
  }

  /** Calls back once connected (and the certificate verified); a failure goes to the sink. */
  open(settings: ConnectionSettings, connected: () => void): void {
    const onread = { buffer: this.#buffer, callback: (length: number) => this.#read(length) };
    const target = { host: settings.host, port: settings.port, onread, noDelay: true };
    try {
      if (settings.tls === undefined) {
        this.#socket = net.connect(target, connected);
      } else {
        const { servername = net.isIP(settings.host) === 0 ? settings.host : '', insecure = false } = settings.tls;
        const secure = { ...target, servername, rejectUnauthorized: !insecure, secureContext: secureContext(settings.tls) };
        this.#socket = tls.connect(secure, connected);
      }
    } catch (thrown) {
      const error = new ConfigError('NETWORK_TLS', `${this.name}: the certificate or key cannot be used: ${String(thrown)}`, thrown);
      process.nextTick(() => this.end({ fault: 'network', error }));
      return;
    }
    this.#socket.on('error', (error) => this.end(socketEnding(error, this.name)));
    this.#socket.on('close', () => this.end(lostEnding('the connection was closed', this.name)));
    this.#socket.on('end', () => this.end(lostEnding('the server hung up', this.name)));
  }

  get isOpen(): boolean {
    return this.#ending === undefined;
  }

  /** `line` without CR LF. Several of one turn leave in one write. */
  write(line: string): void {
    if (this.#ending !== undefined) return;
    if (this.#unsent === '') {
      if (dirty.length === 0) process.nextTick(flushDirty);
      dirty.push(this);
    }
    this.#unsent += `${line}\r\n`;
  }

  flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text === '' || this.#socket === undefined || this.#socket.destroyed) return;
    this.#socket.write(text);
    if (this.#socket.writableLength > maxUnsent) this.end(lostEnding('the server has stopped reading', this.name));
  }

  /** Nothing more is read or told; the sink hears of it once. What was written before leaves if the system takes it at once. */
  end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.flush();
    this.#rest = '';
    this.#socket?.destroy();
    this.sink?.ended(ending);
  }

  /** Stop reading for the rest of the slice. */
  #pause(): void {
    this.#paused = true;
    this.#socket?.pause();
    sleep(this);
  }

  /** What was heard goes on its way before more is read; the system would else read and read, as long as something comes. */
  #yield(): void {
    this.#paused = true;
    this.#socket?.pause();
    setImmediate(() => this.resume());
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#ending === undefined) this.#socket?.resume();
  }

  #read(length: number): boolean {
    this.heard = true;
    if (this.quietNick === undefined) this.#readAll(length);
    else this.#readQuiet(length);
    if (this.#paused || this.#ending !== undefined) return true;
    // A full buffer means that more waits. Quiet, it is drained: that costs less than a growing queue at the server.
    const isFull = length === this.#buffer.length;
    if (this.quietNick === undefined && isFull) this.#yield();
    else if (this.quietNick !== undefined && !isFull && !this.hurried) this.#pause();
    return true;
  }

  #readAll(length: number): void {
    const bytes = this.#buffer.subarray(0, length);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      if (this.#rest !== '') this.#deliver(Buffer.from(this.#takeRest() + bytes.toString('latin1', start, end), 'latin1'));
      else this.#deliver(bytes.subarray(start, end));
      start = end + 1;
      if (this.#ending !== undefined) return;
    }
    this.#keep(start, length);
  }

  /** Looks at the bytes as one string of characters, which is the cheapest way to tell whom a line concerns. */
  #readQuiet(length: number): void {
    const text = this.#buffer.toString('latin1', 0, length);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      if (this.#rest !== '') {
        const line = this.#takeRest() + text.slice(start, end);
        if (this.#isWanted(line, 0, line.length)) this.#deliver(Buffer.from(line, 'latin1'));
      } else if (this.#isWanted(text, start, end)) {
        this.#deliver(this.#buffer.subarray(start, end));
      }
      start = end + 1;
      if (this.#ending !== undefined) return;
    }
    this.#keep(start, length);
  }

  #isWanted(text: string, start: number, end: number): boolean {
    return this.quietNick === undefined || concerns(text, start, end, this.quietNick, this.isAsking);
  }

  #takeRest(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest;
  }

  #keep(start: number, length: number): void {
    if (start < length) this.#rest += this.#buffer.toString('latin1', start, length);
    if (this.#rest.length > maxLine) this.end(lostEnding('a line of more than 16 KB came: this is no IRC server', this.name));
  }

  #deliver(bytes: Buffer): void {
    let size = bytes.length;
    while (size > 0 && bytes[size - 1] === 13) size--;
    if (size === 0) return;
    const text = bytes.toString('utf8', 0, size);
    const isBroken = text.includes('\ufffd') && !isUtf8(bytes.subarray(0, size));
    this.sink?.line(isBroken ? decoderOf(this.#encoding).decode(bytes.subarray(0, size)) : text);
  }
}

/** Sockets with something to write in this turn. */
let dirty: LineSocket[] = [];

function flushDirty(): void {
  const now = dirty;
  dirty = [];
  for (const socket of now) socket.flush();
}

const decoders = new Map<string, TextDecoder>();

function decoderOf(encoding: string): TextDecoder {
  let decoder = decoders.get(encoding);
  if (decoder === undefined) {
    try {
      decoder = new TextDecoder(encoding);
    } catch {
      decoder = new TextDecoder('windows-1252');
    }
    decoders.set(encoding, decoder);
  }
  return decoder;
}

/** One context for all connections with the same certificates: each holds a copy of every trusted root. */
const contexts = new Map<string, tls.SecureContext>();

function secureContext(settings: NonNullable<ConnectionSettings['tls']>): tls.SecureContext {
  const { ca, cert, key, minVersion = 'TLSv1.2' } = settings;
  const name = JSON.stringify([ca, cert, key, minVersion]);
  let context = contexts.get(name);
  if (context === undefined) {
    context = tls.createSecureContext({ minVersion, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
    if (contexts.size >= 16) contexts.clear();
    contexts.set(name, context);
  }
  return context;
}

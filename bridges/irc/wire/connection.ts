// The face of one IRC connection: lines in and out, what the server told of itself. It has never heard of channels' meaning,
// sessions or Matrix. The bot's and every puppet's connection are the same thing; a puppet's is only quieter.

import type { BridgeError } from '#bridge-core';

export interface IrcLine {
  readonly tags: Readonly<Record<string, string>>;
  /** Sender; nick is the server's name where a server speaks. Empty strings where absent. */
  readonly nick: string;
  readonly user: string;
  readonly host: string;
  /** Upper case, or a numeric as three digits. */
  readonly command: string;
  readonly params: readonly string[];
}

export interface OutLine {
  readonly tags?: Readonly<Record<string, string>>;
  readonly command: string;
  /** The last one may hold spaces. CR, LF and NUL are taken out where the line is written. */
  readonly params: readonly string[];
}

/** Lanes of flood control, first to last: keepalive and registration; JOIN, NICK…; people's lines; automatic answers. */
export type OutLane = 'urgent' | 'command' | 'message' | 'reply';

export interface Isupport {
  readonly casemapping: 'ascii' | 'rfc1459' | 'rfc1459-strict' | 'rfc7613' | string;
  readonly chantypes: string;
  readonly nicklen: number;
  /** Bytes of a line with CR LF. */
  readonly linelen: number;
  readonly topiclen: number;
  /** Mode letter → sign, strongest first. */
  readonly prefix: ReadonlyMap<string, string>;
  readonly chanmodes: readonly [string, string, string, string];
  readonly network: string | undefined;
  readonly statusmsg: string;
  readonly utf8only: boolean;
  /** Any token by name; '' where it has no value. */
  get(token: string): string | undefined;
  fold(name: string): string;
}

export interface Connection {
  /** As the server last said. */
  readonly nick: string;
  /** `nick!user@host` as others see it, learnt from own JOIN, echo, CHGHOST, 396; a worst case until known. */
  readonly mask: string;
  readonly isupport: Isupport;
  /** Acknowledged and not withdrawn since. */
  readonly capabilities: ReadonlySet<string>;
  /** The account that we are logged in to, where the server told. */
  readonly account: string | undefined;
  /** ms since 1970. All that the server had sent by then was read; a second or two behind. */
  readonly heardAt: number;
  /** The value of a capability as offered (`sasl=PLAIN`), '' where it has none. */
  capabilityValue(name: string): string | undefined;
  /** Resolves when the line was handed to the socket; rejects with UnreachableError if the connection is lost before. */
  send(line: OutLine, lane?: OutLane): Promise<void>;
  /** Sends under a label and collects the labelled answer (ACK: empty). Only where labeled-response is acknowledged. The
   *  answer comes here alone, but for changes that concern everybody (JOIN, NICK, TOPIC, MODE…): those come to
   *  `ConnectionEvents.line` too. Batches within come with their BATCH lines. No answer in time (ms from the sending, default
   *  30 s): UnknownOutcomeError. */
  ask(line: OutLine, options?: { readonly lane?: OutLane; readonly timeout?: number }): Promise<readonly IrcLine[]>;
  /** Resolves when everything sent before has been answered (a PING of ours came back); one outstanding, shared. */
  fence(): Promise<void>;
  /** From now on channel messages are parsed and handed on too (a quiet connection becomes a reporter), or no more. */
  listen(on: boolean): void;
  close(reason?: string): Promise<void>;
}

export type SaslSettings =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'auto'; readonly username: string; readonly password: string }
  | { readonly mechanism: 'external' };

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  /** undefined: plain TCP. PEM texts, already read. */
  readonly tls:
    | {
        readonly ca?: string;
        readonly cert?: string;
        readonly key?: string;
        readonly servername?: string;
        readonly insecure?: boolean;
        readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
      }
    | undefined;
  readonly nick: string;
  /** The next nick to try after 433, 432 or 437; undefined gives up. */
  readonly nextNick: (refused: string, tries: number, nicklen: number) => string | undefined;
  readonly username: string;
  readonly realname: string;
  readonly password?: string;
  readonly sasl?: SaslSettings;
  /** Asked for where the server offers them. */
  readonly capabilities: readonly string[];
  readonly flood: { readonly burst: number; readonly every: number } | 'off';
  /** ms: PING after silence of `ping`, lost after `timeout` without an answer. */
  readonly keepalive: { readonly ping: number; readonly timeout: number };
  /** A puppet's: PRIVMSG, NOTICE, JOIN, PART, QUIT… of others in channels are dropped before they are parsed, and the socket is
   *  read in slices. Lines addressed to its own nick, numerics and what concerns itself always come. */
  readonly quiet: boolean;
  /** For lines that are not UTF-8. */
  readonly encoding: 'latin1' | 'windows-1252' | string;
  readonly connectTimeout: number;
  /** Gives up the attempt; once registered it has no effect. */
  readonly signal?: AbortSignal;
}

export interface ConnectionEvents {
  line(line: IrcLine): void;
  /** Once, however it ended; `fault` tells whose it was. */
  closed(error: BridgeError, fault: CloseFault): void;
  /** Something that the operator should know, and that stops nothing. */
  warning?(message: string): void;
}

/** `network`: cut, timed out, server going down. `throttled`: too fast or too many from here. `banned`: K-line and kin.
 *  `login`: credentials refused. `ours`: close() was called. */
export type CloseFault = 'network' | 'throttled' | 'banned' | 'login' | 'killed' | 'ours';

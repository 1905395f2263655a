// What a server means by saying no, in words that help whoever wanted it: numerics and FAIL lines become errors of the
// catalogue. Pure.

import { type BridgeError, type ErrorCode, PermanentError, RetryableError } from '#bridge-core';
import type { IrcLine } from './wire/connection.ts';

type Verdict = readonly [code: ErrorCode, words: string] | readonly [code: 'NETWORK_BUSY', words: string, after: number];

const joins: Readonly<Record<string, Verdict>> = {
  403: ['CHANNEL_UNKNOWN', 'there is no such channel'],
  405: ['CHANNEL_CLOSED', 'the server lets one connection be in no more channels'],
  407: ['NETWORK_BUSY', 'the server takes no more channels at once', 5_000],
  437: ['NETWORK_BUSY', 'the channel is unavailable for the moment', 60_000],
  439: ['NETWORK_BUSY', 'the server asks to wait', 30_000],
  448: ['CHANNEL_UNKNOWN', 'the server refuses this name of a channel'],
  471: ['NETWORK_BUSY', 'the channel is full (+l)', 60_000],
  473: ['CHANNEL_CLOSED', 'the channel is by invitation only (+i)'],
  474: ['CHANNEL_CLOSED', 'banned from the channel (+b)'],
  475: ['CHANNEL_CLOSED', 'the channel has a key (+k), and ours is missing or wrong'],
  476: ['CHANNEL_UNKNOWN', 'the server refuses this name of a channel'],
  477: ['CHANNEL_CLOSED', 'the channel admits registered nicks only (+r)'],
  479: ['CHANNEL_UNKNOWN', 'the server refuses this name of a channel'],
  480: ['NETWORK_BUSY', 'the channel admits only so many at once', 60_000],
  485: ['CHANNEL_CLOSED', 'the channel is closed to us'],
  489: ['CHANNEL_CLOSED', 'the channel admits TLS connections only'],
  500: ['NETWORK_BUSY', 'the server asks to join more slowly', 30_000],
  519: ['CHANNEL_CLOSED', 'the channel is for administrators only'],
  520: ['CHANNEL_CLOSED', 'the channel is for operators of the network only'],
};

const speeches: Readonly<Record<string, Verdict>> = {
  263: ['NETWORK_BUSY', 'the server asks to wait', 5_000],
  401: ['NETWORK_REFUSED', 'nobody of this name is there'],
  403: ['CHANNEL_UNKNOWN', 'there is no such channel'],
  404: ['CHANNEL_CLOSED', 'the channel does not let this person speak'],
  407: ['NETWORK_REFUSED', 'the server takes it for too many at once'],
  411: ['NETWORK_REFUSED', 'the server missed to whom it goes'],
  412: ['NETWORK_REFUSED', 'the server found no text in it'],
  415: ['NETWORK_REFUSED', 'the server refuses what the text contains'],
  417: ['NETWORK_REFUSED', 'the line is too long for the server'],
  439: ['NETWORK_BUSY', 'the server asks to wait before speaking to somebody new', 30_000],
  441: ['NETWORK_REFUSED', 'they are not in the channel'],
  442: ['CHANNEL_CLOSED', 'this person is not in the channel'],
  477: ['CHANNEL_CLOSED', 'only registered nicks may speak there'],
  482: ['NETWORK_REFUSED', 'that takes operator status in the channel'],
  486: ['NETWORK_REFUSED', 'they take messages from registered nicks only'],
  531: ['NETWORK_REFUSED', 'they do not take this message'],
  707: ['NETWORK_BUSY', 'the server asks to wait before speaking to somebody new', 30_000],
  716: ['NETWORK_REFUSED', 'they take messages only from those whom they know (+g)'],
};

const nicks: Readonly<Record<string, Verdict>> = {
  432: ['NETWORK_REFUSED', 'the server refuses this nick'],
  433: ['NETWORK_REFUSED', 'the nick is in use'],
  436: ['NETWORK_REFUSED', 'the nick is in use'],
  437: ['NETWORK_BUSY', 'the nick is unavailable for the moment', 60_000],
  438: ['NETWORK_BUSY', 'the server asks to wait before the next change of nick', 30_000],
  447: ['NETWORK_REFUSED', 'a channel forbids changes of nick (+N)'],
  484: ['NETWORK_REFUSED', 'this connection may not change its nick'],
};

/** FAIL codes that pass by themselves. */
const passing = /RATE|THROTTL|TRY_?AGAIN|TEMPORARIL|TOO_MANY|TIMEOUT/;

/** A failed JOIN; `channel` as the server writes it. */
export function joinRefusal(line: IrcLine): { readonly channel: string; readonly error: BridgeError } | undefined {
  const channel = line.command === 'FAIL' ? failedJoin(line) : line.params[1];
  const verdict = joins[line.command];
  if (channel === undefined || (verdict === undefined && line.command !== 'FAIL')) return undefined;
  return { channel, error: verdict === undefined ? failure(line, channel) : made(verdict, channel, line) };
}

function failedJoin(line: IrcLine): string | undefined {
  return line.params[0] === 'JOIN' ? line.params[2] : undefined;
}

/** An answer that refuses what was sent to `target` by `command`, or undefined. `same` compares names by the network's rule. */
export function sendRefusal(line: IrcLine, command: string, target: string, same: (name: string) => boolean): BridgeError | undefined {
  if (line.command === 'FAIL') {
    return line.params[0] === command || line.params[0] === '*' ? failure(line, target) : undefined;
  }
  if (!isRefusing(line.command)) return undefined;
  const isOurs = same(line.params[1] ?? '') || line.command === '411' || line.command === '412' || line.command === '417';
  const isUnknownCommand = line.command === '421' && line.params[1]?.toUpperCase() === command;
  if (!isOurs && !isUnknownCommand && !(line.command === '441' && same(line.params[2] ?? ''))) return undefined;
  return made(speeches[line.command] ?? ['NETWORK_REFUSED', 'the server refuses it'], target, line);
}

export function nickRefusal(line: IrcLine, wanted: string): BridgeError | undefined {
  if (line.command === 'FAIL') return line.params[0] === 'NICK' ? failure(line, wanted) : undefined;
  const verdict = nicks[line.command];
  return verdict === undefined ? undefined : made(verdict, wanted, line);
}

function isRefusing(command: string): boolean {
  return (command.length === 3 && (command[0] === '4' || command[0] === '5')) || speeches[command] !== undefined;
}

function failure(line: IrcLine, target: string): BridgeError {
  const message = `${target}: ${line.params.at(-1) ?? 'the server refuses it'} (${line.params[1] ?? 'FAIL'})`;
  return passing.test(line.params[1] ?? '')
    ? new RetryableError('NETWORK_BUSY', message, { after: 5_000 })
    : new PermanentError('NETWORK_REFUSED', message);
}

/** The server's own words follow ours: they name modes and reasons that no table knows. */
function made([code, words, after]: Verdict, target: string, line: IrcLine): BridgeError {
  const said = line.params.at(-1) ?? '';
  const message = said === '' ? `${target}: ${words}` : `${target}: ${words} (the server says: ${said})`;
  return after === undefined ? new PermanentError(code, message) : new RetryableError(code, message, { after });
}

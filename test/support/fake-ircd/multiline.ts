// Batches that clients send: draft/multiline and client-batch (ircv3.net), with the errors that the specification names.

import type { Client } from './client.ts';
import type { ClientLine } from './lines.ts';
import { deliver } from './speech.ts';
import type { Message, World } from './world.ts';

export interface OpenMultiline {
  readonly reference: string;
  readonly target: string;
  readonly opening: ClientLine;
  readonly lines: ClientLine[];
}

/** True where the line was part of a client's batch. */
export function collectMultiline(world: World, client: Client, line: ClientLine): boolean {
  if (!client.has('draft/multiline')) return false;
  const { command, params, tags } = line;
  const [reference = '', type = '', target = ''] = params;
  const open = client.multiline;
  if (command === 'BATCH' && reference.startsWith('+')) {
    if (type === 'draft/multiline') client.multiline = { reference: reference.slice(1), target, opening: line, lines: [] };
    else world.fail(client, 'BATCH', 'UNKNOWN_TYPE', reference.slice(1), type, 'Unknown batch type');
    return true;
  }
  if (open === undefined) return false;
  if (command === 'BATCH' && reference === `-${open.reference}`) {
    client.multiline = undefined;
    const run = () => finish(world, client, open);
    const label = client.has('labeled-response') ? open.opening.tags.label : undefined;
    if (label === undefined) run();
    else client.answer(label, run);
    return true;
  }
  if (tags.batch !== open.reference) return false;
  open.lines.push(line);
  return true;
}

function finish(world: World, client: Client, open: OpenMultiline): boolean {
  const { lines, target, opening } = open;
  const limits = /max-bytes=(\d+),max-lines=(\d+)/.exec(world.offered.get('draft/multiline') ?? '');
  const [mostBytes, mostLines] = [Number(limits?.[1] ?? 4096), Number(limits?.[2] ?? 24)];
  const fail = (code: string, ...context: string[]) => {
    world.fail(client, 'BATCH', code, ...context, 'Invalid multiline batch');
    return true;
  };
  const isConcat = (line: ClientLine) => line.tags['draft/multiline-concat'] !== undefined;
  const bytes = lines.reduce((sum, line, i) => sum + Buffer.byteLength(line.params[1] ?? '') + (i > 0 && !isConcat(line) ? 1 : 0), 0);
  const stranger = lines.find((line) => line.params[0] !== target);
  const [first] = lines;
  if (first === undefined) return fail('MULTILINE_INVALID');
  if (stranger !== undefined) return fail('MULTILINE_INVALID_TARGET', target, stranger.params[0] ?? '');
  if (bytes > mostBytes) return fail('MULTILINE_MAX_BYTES', String(mostBytes));
  if (lines.length > mostLines) return fail('MULTILINE_MAX_LINES', String(mostLines));
  const isMixed = lines.some((line) => line.command !== first.command || !/^(?:PRIVMSG|NOTICE)$/.test(line.command));
  const isBlank = lines.every((line) => (line.params[1] ?? '') === '');
  const isBlankConcat = lines.some((line) => isConcat(line) && (line.params[1] ?? '') === '');
  if (isMixed || isBlank || isBlankConcat) return fail('MULTILINE_INVALID');
  const shared = Object.fromEntries(Object.entries(opening.tags).filter(([name]) => name.startsWith('+')));
  const messages = lines.map(
    (line, i): Message => ({
      source: client,
      command: line.command,
      params: [target, line.params[1] ?? ''],
      tags: { ...(i === 0 ? shared : {}), ...(isConcat(line) ? { 'draft/multiline-concat': '' } : {}) },
    }),
  );
  return deliver(world, client, target, messages);
}

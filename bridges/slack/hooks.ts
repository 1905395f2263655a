// Incoming webhooks for Matrix rooms, as Slack has them for channels: an address that nobody can guess, which takes Slack's payload and
// answers `ok`. Made, listed, renewed and ended by those who rule the room; of the address only a hash is kept.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AdapterCommand,
  type AdapterTools,
  type ChannelId,
  type ConfiguredLink,
  DeniedError,
  formIn,
  type Json,
  PermanentError,
  type RemoteUser,
  type RoomId,
  remoteMessageId,
  roomId,
  type WebAnswer,
  type WebRequest,
} from '#bridge-core';
import { bodyOf, type SlackBody } from './body.ts';
import { signNamed } from './emoji.ts';
import { type Fields, isFields, listIn, textIn } from './fields.ts';
import { makeChannelId, makeUserId, parseId, userFields } from './ids.ts';

/** What their channels belong to. */
export const hookTeam = 'hooks';

interface Hook {
  readonly id: string;
  readonly room: RoomId;
  readonly name: string;
  readonly hash: string;
}

interface Budget {
  left: number;
  at: number;
}

const burst = 20;
const perMs = 1 / 1_000;
const mostOfRoom = 50;
/** ms */
const linkedWithin = 5_000;

export class Hooks {
  readonly #tools: Pick<AdapterTools<SlackBody>, 'memory' | 'web' | 'inbox'>;
  readonly #hooks = new Map<string, Hook>();
  readonly #budgets = new Map<string, Budget>();
  /** Made just now: their links may not be there yet. */
  readonly #fresh = new Set<string>();

  readonly #isWatched: (channel: ChannelId) => boolean;

  constructor(tools: Pick<AdapterTools<SlackBody>, 'memory' | 'web' | 'inbox'>, isWatched: (channel: ChannelId) => boolean) {
    this.#tools = tools;
    this.#isWatched = isWatched;
    for (const name of tools.memory.keys('hook ')) {
      const kept = readHook(name.slice('hook '.length), tools.memory.get(name));
      if (kept !== undefined) this.#hooks.set(kept.id, kept);
    }
    tools.web.route('POST', '/hooks/:secret', (request) => this.#take(request));
  }

  has(channel: ChannelId): boolean {
    const { team, id } = parseId(channel);
    return team === hookTeam && this.#hooks.has(id);
  }

  nameOf(channel: ChannelId): string {
    return this.#hooks.get(parseId(channel).id)?.name ?? 'webhook';
  }

  links(): ConfiguredLink[] {
    return Array.from(this.#hooks.values(), ({ id, room }) => ({
      ...{ channel: makeChannelId(hookTeam, id), room, way: 'to-matrix' as const, topic: 'off' as const, byCommand: true as const },
    }));
  }

  readonly command: AdapterCommand = {
    name: 'webhook',
    usage: 'webhook new name | list | rotate name | delete name',
    does: 'addresses that take messages for the room as an incoming webhook of Slack does',
    needs: 'room',
    run: async ({ room, isDirect, linked = [] }, [verb = 'list', ...words]) => {
      const name = words.join(' ').trim();
      const own = this.#of(room, linked);
      if (verb === 'list') return list(own);
      if (verb === 'delete') return await this.#delete(called(own, name));
      if (verb !== 'new' && verb !== 'rotate')
        throw new PermanentError('BAD_REQUEST', `webhook takes new, list, rotate or delete, not ${verb}`);
      // Whoever reads the address can speak in the room by it.
      if (!isDirect) throw new DeniedError(`ask me for that in a direct chat: webhook ${room} ${verb} ${name || 'name'}`);
      return verb === 'new' ? await this.#make(room, name, own) : await this.#give(called(own, name), room);
    },
  };

  async #make(room: RoomId, name: string, others: readonly Hook[]): Promise<string> {
    if (name === '' || name.length > 80)
      throw new PermanentError('BAD_REQUEST', 'give it a name, which its messages bear unless they bring one');
    if (others.some((other) => other.name === name)) throw new PermanentError('BAD_REQUEST', `there is a webhook ${name} already`);
    if (others.length >= mostOfRoom) throw new DeniedError('the room has as many webhooks as one may have');
    const id = randomBytes(9).toString('hex');
    this.#fresh.add(id);
    return await this.#give({ id, room, name, hash: '' }, room);
  }

  async #delete({ id, name }: Hook): Promise<string> {
    this.#hooks.delete(id);
    await this.#tools.memory.set(`hook ${id}`, undefined);
    return `The webhook ${name} is gone.`;
  }

  /** `here`: in which of its rooms it is asked for. */
  async #give(hook: Hook, here: RoomId): Promise<string> {
    const secret = randomBytes(24).toString('base64url');
    const url = this.#tools.web.url(`/hooks/${secret}`);
    if (url === undefined) throw new PermanentError('UNSUPPORTED', 'without a public_url nobody could reach a webhook');
    const { id, room, name } = hook;
    const hash = hashed(secret);
    this.#hooks.set(id, { ...hook, hash });
    await this.#tools.memory.set(`hook ${id}`, { room, name, hash });
    return `${name}: ${url} – keep it to yourself; I cannot show it again, but “webhook ${here} rotate ${name}” gives another.`;
  }

  async #take(request: WebRequest): Promise<WebAnswer> {
    const hash = hashed(request.params.secret ?? '');
    const hook = this.#hooks.values().find((each) => each.hash === hash);
    if (hook === undefined) return said(404, 'no_service');
    const wait = this.#spend(hook.id);
    if (wait > 0) return { ...said(429, 'rate_limited'), headers: { 'retry-after': String(Math.ceil(wait / 1_000)) } };
    const payload = payloadIn(request);
    if (payload === undefined) return said(400, 'invalid_payload');
    const body = bodyOf(payload);
    if (body.text === '' && body.blocks === undefined && listIn(payload, 'attachments').length === 0) return said(400, 'no_text');
    if (!(await this.#isLinked(hook))) return { ...said(503, 'not_linked'), headers: { 'retry-after': '60' } };
    const sender = senderOf(hook);
    const at = Date.now();
    await this.#tools.inbox.receive({
      ...{ kind: 'message', style: 'text', at, channel: makeChannelId(hookTeam, hook.id), id: remoteMessageId(crypto.randomUUID()) },
      ...{ sender, body, ...shownIn(payload, hook.name) },
    });
    return said(200, 'ok');
  }

  /** Its address is given out before its link carries: what nobody listens for would be taken and shown nowhere. */
  async #isLinked({ id }: Hook): Promise<boolean> {
    const channel = makeChannelId(hookTeam, id);
    for (const last = Date.now() + linkedWithin; !this.#isWatched(channel); ) {
      if (Date.now() >= last) return false;
      await delay(100, undefined, { ref: false });
    }
    return true;
  }

  /** ms to wait. */
  #spend(id: string): number {
    const now = Date.now();
    const budget = this.#budgets.get(id) ?? { left: burst, at: now };
    budget.left = Math.min(burst, budget.left + (now - budget.at) * perMs);
    budget.at = now;
    this.#budgets.set(id, budget);
    if (budget.left < 1) return (1 - budget.left) / perMs;
    budget.left -= 1;
    return 0;
  }

  /** A room is upgraded, and its links go along: the one that a webhook was made in tells nothing any more. */
  #of(room: RoomId, linked: readonly ChannelId[]): Hook[] {
    return [...this.#hooks.values()].filter((hook) => {
      if (!linked.includes(makeChannelId(hookTeam, hook.id))) return hook.room === room && this.#fresh.has(hook.id);
      this.#fresh.delete(hook.id);
      return true;
    });
  }
}

function list(hooks: readonly Hook[]): string {
  const names = hooks.map(({ name }) => name);
  return names.length === 0 ? 'There is no webhook for this room.' : `Webhooks of this room: ${names.join(', ')}`;
}

function called(hooks: readonly Hook[], name: string): Hook {
  const found = hooks.find((hook) => hook.name === name);
  if (found === undefined) throw new PermanentError('BAD_REQUEST', `there is no webhook ${name || 'without a name'} for this room`);
  return found;
}

const hashed = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

const said = (status: number, body: string): WebAnswer => ({ status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body });

function senderOf({ id, name }: Hook): RemoteUser {
  return { id: makeUserId(hookTeam, id), name, fields: userFields(hookTeam, id) };
}

/** As JSON, or as a form with JSON in `payload`. */
function payloadIn({ headers, body }: WebRequest): Fields | undefined {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  try {
    const payload: unknown = JSON.parse(isForm ? (formIn(body).get('payload') ?? '') : body.toString('utf8'));
    return isFields(payload) ? payload : undefined;
  } catch {
    return undefined;
  }
}

function shownIn(payload: Fields, standing: string) {
  const sign = signNamed((textIn(payload, 'icon_emoji') ?? '').replaceAll(':', ''));
  const avatar = textIn(payload, 'icon_url');
  const name = textIn(payload, 'username') ?? standing;
  const isAsEver = name === standing && avatar === undefined && sign === undefined;
  if (isAsEver) return {};
  return {
    shownAs: { name: avatar === undefined && sign !== undefined ? `${sign} ${name}` : name, ...(avatar !== undefined && { avatar }) },
  };
}

function readHook(id: string, kept: Json | undefined): Hook | undefined {
  if (!isFields(kept)) return undefined;
  const [room, name, hash] = [textIn(kept, 'room'), textIn(kept, 'name'), textIn(kept, 'hash')];
  return room === undefined || name === undefined || hash === undefined ? undefined : { id, room: roomId(room), name, hash };
}

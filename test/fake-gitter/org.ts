// What these tests begin with: a community with one room, Ann (its admin), Bob and the bridge's relay in it; REST by fetch, Faye by faye's
// own client.

import type { TestContext } from 'node:test';
import faye, { type FayeMessage } from 'faye';
import { type FakeGitter, type FakeGitterOptions, startFakeGitter } from '../support/fake-gitter.ts';
import { until } from '../support/waiting.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

export async function org(t: TestContext, options: FakeGitterOptions = {}) {
  const gitter = await startFakeGitter({ ...options, faye: { retryInterval: 20, ...options.faye } });
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    await gitter.stop();
  });
  const [ann, bob, relay] = [
    gitter.addPerson('ann'),
    gitter.addPerson({ username: 'bob', displayName: 'Bob Example' }),
    gitter.addPerson('relay'),
  ];
  const room = gitter.addRoom('org/room', [ann, bob, relay], { admins: [ann], topic: 'All of it' });
  const token = gitter.tokenOf(relay);
  const atEnd = (end: () => unknown) => void ends.push(end);
  return { gitter, ann, bob, relay, room, token, atEnd, api: apiOf(gitter, token), path: `/rooms/${room.id}` };
}

export function apiOf(gitter: FakeGitter, token: string) {
  return async (verb: string, path: string, body?: object): Promise<Answered> => {
    const response = await fetch(gitter.apiUrl + path, {
      method: verb,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
}

export interface Listening {
  readonly transport?: 'websocket' | 'long-polling';
  /** Of the handshake, beside the token. */
  readonly ext?: object;
  /** Of subscriptions. */
  readonly snapshot?: unknown;
}

interface Heard {
  readonly channel: string;
  readonly c: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly data: any;
}

/** A client of faye's with what it heard, data and answers apart. */
export function listen(
  { gitter, atEnd }: Pick<Awaited<ReturnType<typeof org>>, 'gitter' | 'atEnd'>,
  token: string,
  options: Listening = {},
) {
  let isEnded = false;
  class UntilTheEnd extends faye.Scheduler {
    override isDeliverable(): boolean {
      return !isEnded && super.isDeliverable();
    }
  }
  const client = new faye.Client(gitter.fayeUrl, { retry: 0.05, scheduler: UntilTheEnd });
  if (options.transport === 'long-polling') client.disable('websocket');
  const heard: Heard[] = [];
  const answers: FayeMessage[] = [];
  client.addExtension({
    outgoing: (message, callback) => {
      if (isEnded) {
        callback();
        return;
      }
      if (message.channel === '/meta/handshake') message.ext = { token, ...options.ext };
      if (message.channel === '/meta/subscribe' && options.snapshot !== undefined) message.ext = { snapshot: options.snapshot };
      callback(message);
    },
    incoming: (message, callback) => {
      if (message.data === undefined) answers.push(message);
      else heard.push({ channel: message.channel, c: message.ext?.c, data: message.data });
      callback(message);
    },
  });
  atEnd(() => {
    client.disconnect();
    isEnded = true;
  });
  return {
    client,
    heard,
    answers,
    /** The snapshot, or the refusal. */
    subscribe: async (path: string): Promise<unknown> => {
      const channel = `/api/v1${path}`;
      const before = answers.length;
      await Promise.resolve(client.subscribe(channel, () => {})).catch(() => {});
      const answer = answers.slice(before).find(({ subscription }) => subscription === channel);
      return answer?.error ?? answer?.ext?.snapshot;
    },
    texts: () => heard.filter(({ data }) => data.operation === 'create').map(({ data }) => data.model.text as string),
    numbers: () => heard.map(({ c }) => c),
    until: (what: string, isSo: () => boolean) => until(what, () => isSo() || undefined),
  };
}

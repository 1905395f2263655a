// A Gitter adapter on the fake Gitter: a community with people, a room, and the bridge's relay account.

import type { TestContext } from 'node:test';
import { type AdapterTools, type Inbox, type Json, type RemoteEvent, userId } from '#bridge-core';
import { GitterAdapter } from '../../../bridges/gitter/adapter.ts';
import type { GitterBody } from '../../../bridges/gitter/body.ts';
import { makeUserId } from '../../../bridges/gitter/ids.ts';
import { gitterSettings } from '../../../bridges/gitter/settings.ts';
import type { GitterTiming } from '../../../bridges/gitter/timing.ts';
import { type FakeGitter, type FakeGitterOptions, type Person, startFakeGitter } from '../../support/fake-gitter.ts';
import { keepTools } from '../../support/tools.ts';
import { until } from '../../support/waiting.ts';

export type GitterEvents = RemoteEvent<GitterBody>[];

export const quick: Partial<GitterTiming> = {
  callTimeout: 10_000,
  probe: { first: 25, most: 200 },
  faye: { retry: 0.05, silence: 20_000, answer: 5_000 },
  stream: { first: 25, most: 200 },
  presence: 600,
};

export interface Wish {
  readonly gitter?: FakeGitterOptions;
  readonly settings?: object | ((gitter: FakeGitter) => object);
  readonly inbox?: Partial<Inbox<GitterBody>>;
  readonly memory?: Map<string, Json>;
  /** The relay account's client is approved as a bridge. */
  readonly isApproved?: boolean;
  readonly timing?: Partial<GitterTiming>;
}

/** The community `org` with ann and bob, and `org/room`. */
export async function orgOnGitter({ gitter: options, isApproved = false }: Wish = {}) {
  const gitter = await startFakeGitter({ limits: false, ...options });
  const ann = gitter.addPerson({ username: 'ann', displayName: 'Ann Example' });
  const bob = gitter.addPerson({ username: 'bob', displayName: 'Bob Example' });
  const relay = gitter.addPerson({ username: 'matrixbot', displayName: 'Matrix' });
  gitter.addGroup('org', { name: 'The Org', admins: [ann] });
  const room = gitter.addRoom('org/room', [ann, bob], { topic: 'all of it' });
  const client = gitter.addClient({ name: 'Bridge', mayUseVirtualUsers: isApproved });
  const token = gitter.tokenOf(relay, client);
  return { gitter, ann, bob, relay, room, client, token };
}

export function settingsFor(gitter: FakeGitter, token: string, more: object = {}) {
  return gitterSettings.parse({ api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, token, echo_timeout: '1s', ...more });
}

/** Up, and listening to `org/room`. */
export async function withAdapter(t: TestContext, wish: Wish = {}) {
  const org = await orgOnGitter(wish);
  const settings = typeof wish.settings === 'function' ? wish.settings(org.gitter) : wish.settings;
  const kept = keepTools(wish.inbox as Partial<Inbox> | undefined, wish.memory);
  const tools = kept.tools as unknown as AdapterTools<GitterBody>;
  const adapter = new GitterAdapter(settingsFor(org.gitter, org.token, settings), tools, { ...quick, ...wish.timing });
  t.after(async () => {
    await adapter.disconnect();
    await org.gitter.stop();
  });
  await adapter.connect();
  await until('the bot to be up', () => adapter.status()[0]?.state === 'up' || undefined);
  const channel = await adapter.channels.resolve('org/room');
  if (channel === undefined) throw new Error('no org/room');
  await adapter.watch(channel.id);
  const events = kept.events as unknown as GitterEvents;
  return { ...org, ...kept, tools, events, adapter, channel: channel.id };
}

export function loginOf({ gitter }: { gitter: FakeGitter }, person: Person, user: string) {
  const token = gitter.tokenOf(person);
  return {
    ...{ user: userId(user), account: makeUserId(person.id), network: 'gitter', name: person.username },
    credentials: { token, username: person.username },
  };
}

type Kind = GitterEvents[number]['kind'];
type Of<K extends Kind> = Extract<GitterEvents[number], { kind: K }>;

export async function heard<K extends Kind>(events: GitterEvents, kind: K, fits: (event: Of<K>) => boolean = () => true): Promise<Of<K>> {
  return await until(`a ${kind} event among ${JSON.stringify(events.slice(-3))}`, () =>
    events.find((event): event is Of<K> => event.kind === kind && fits(event as Of<K>)),
  );
}

// What the cases of the contract do over and over: a place watched, a line said by one of ours, what was heard.

import assert from 'node:assert/strict';
import {
  BridgeError,
  fromPlain,
  type Json,
  type MatrixFile,
  type Outgoing,
  type RemoteEvent,
  type RemoteMessageId,
  type Session,
  type Speaker,
  type Style,
  userId,
} from '#bridge-core';
import { toPlain } from '../../bridge-core/format/to-html.ts';
import { until } from '../support/waiting.ts';
import type { Stage, Subject } from './subject.ts';

export const speaker = (name: string): Speaker => ({ as: 'user', user: userId(`@${name}:hs.test`), name });

/** The bot is up and watches the place. */
export async function openStage(subject: Subject): Promise<Stage> {
  await subject.adapter.connect();
  await botUp(subject);
  const place = await subject.adapter.channels.resolve(subject.place);
  assert.ok(place, `${subject.place} is a place`);
  await subject.adapter.watch(place.id);
  return Object.assign(subject, { channel: place.id });
}

export async function botUp(subject: Subject): Promise<void> {
  await until('the bot to be up', () => subject.adapter.status()[0]?.state === 'up' || undefined);
}

/** In the place already. */
export async function sessionOf(stage: Stage, who: Speaker | string): Promise<Session<Json>> {
  const session = await stage.adapter.session(typeof who === 'string' ? speaker(who) : who, stage.channel);
  await session.join(stage.channel);
  return session;
}

export const messageId = (id: string | undefined): RemoteMessageId => (id ?? '') as RemoteMessageId;

let keys = 0;

export async function say(
  stage: Stage,
  session: Session<Json>,
  text: string,
  more: {
    style?: Style;
    key?: string;
    replyTo?: RemoteMessageId;
    thread?: RemoteMessageId;
    shownAs?: Outgoing['shownAs'];
    file?: MatrixFile;
  } = {},
): Promise<(RemoteMessageId | undefined)[]> {
  const style = more.style ?? 'text';
  const ids: (RemoteMessageId | undefined)[] = [];
  for (const body of stage.adapter.formatter.print(fromPlain(text), session.fit(stage.channel, style))) {
    keys += 1;
    const key = more.key ?? `contract.${keys}`;
    const { shownAs, file } = more;
    const [replyTo, thread] = [more.replyTo, more.thread].map((id) => id && { channel: stage.channel, ids: [id] });
    ids.push(
      await session.send({
        ...{ key, channel: stage.channel, body, style },
        ...{ ...(replyTo && { replyTo }), ...(thread && { thread }), ...(shownAs && { shownAs }), ...(file && { file }) },
      }),
    );
  }
  return ids;
}

type Of<Kind extends RemoteEvent['kind']> = Extract<RemoteEvent<Json>, { kind: Kind }>;

export function eventsOf<Kind extends RemoteEvent['kind']>(stage: Subject, kind: Kind): Of<Kind>[] {
  return stage.events.filter((event): event is Of<Kind> => event.kind === kind);
}

/** `sender: text` of the messages reported so far, formatting aside. */
export function textsHeard(stage: Stage): string[] {
  return eventsOf(stage, 'message').map(
    (event) => `${event.sender.name}: ${toPlain(stage.adapter.formatter.parse(event.body, stage.channel))}`,
  );
}

/** Waits for this one to be reported, then gives all. */
export async function heardUpTo(stage: Stage, last: string): Promise<string[]> {
  await until(`${last} among ${textsHeard(stage).slice(-3)}`, () => textsHeard(stage).includes(last) || undefined);
  return textsHeard(stage);
}

export async function event<Kind extends RemoteEvent['kind']>(
  stage: Stage,
  kind: Kind,
  fits: (event: Of<Kind>) => boolean = () => true,
): Promise<Of<Kind>> {
  return await until(`a ${kind} event`, () => eventsOf(stage, kind).find(fits));
}

export function saidBy(stage: Stage, session: Session<Json>): string[] {
  const nick = nickOf(stage, session);
  return stage
    .said()
    .filter((said) => said.nick === nick)
    .map(({ text }) => text);
}

/** Those that natives can tell apart there. */
export function stylesOf(stage: Subject): readonly Style[] {
  return stage.lacks?.has('notices') ? ['text', 'emote'] : ['text', 'emote', 'notice'];
}

export function nickOf(stage: Subject, session: Session<Json>): string {
  return stage.nickOf(session.self);
}

/** It must fail, and with an error of the catalogue. */
export async function failure(work: Promise<unknown>): Promise<BridgeError> {
  try {
    await work;
  } catch (thrown) {
    assert.ok(thrown instanceof BridgeError, `no error of the catalogue: ${String(thrown)}`);
    return thrown;
  }
  throw new assert.AssertionError({ message: 'it should have failed' });
}

// How far each channel was heard, kept over restarts, and the filling of what was missed: after each loss of what we hear by, before
// anything newer of the channel is handed on.
// Not the core's, which asks whenever the bot comes up: here a channel is missed alone (the bot is brought in late, a socket is replaced
// while another stands, Slack held back), and is read once the bot is in it. What waits meanwhile is unacknowledged, so that Slack keeps it.

import type { ChannelId, Inbox, KeyValue, Logger } from '#bridge-core';
import { messageOf, PermanentError, RetryableError } from '#bridge-core';
import { isTokenEnded } from './account.ts';
import { LookingBehind } from './behind.ts';
import type { SlackBody } from './body.ts';
import type { SlackRemoteEvent } from './events.ts';
import { fewCalls, gapOf, historyOf } from './history.ts';
import { makeChannelId, makeMessageId, parseId, timeOf, tsOf } from './ids.ts';
import type { Intake } from './intake.ts';
import { Pace } from './pace.ts';
import { asItStands, nowOf } from './placing.ts';
import type { Look } from './reach.ts';
import { inPatience } from './reader.ts';
import type { SlackSettings } from './settings.ts';
import type { Team } from './team.ts';
import { isRefusal } from './wire/faults.ts';

export interface GapsParts {
  readonly memory: KeyValue;
  readonly intake: Intake;
  readonly settings: SlackSettings['history'];
  readonly log: Logger;
  /** Tells what stands in the rooms. */
  readonly inbox: Pick<Inbox<SlackBody>, 'shown' | 'threads'>;
  readonly count: (name: string, labels?: Readonly<Record<string, string>>) => void;
  readonly writeEvery?: number;
}

/** ms: what was heard since the last note is read again after a crash, and known by its id. */
const writeEvery = 15_000;
/** ms: newer messages of the channel wait so long for a turn in the budget; while there are none, there is time. */
const hurriedPatience = 60_000;
const patience = 2 * 3_600_000;
/** ms by which Slack's clock may be before ours. */
const clockMargin = 24 * 3_600_000;
/** ms between tries while Slack is not to be reached. */
const firstPause = 500;
const longestPause = 64_000;

export class Gaps {
  readonly #parts: GapsParts;
  /** The newest message of each channel. */
  readonly #heard = new Map<ChannelId, string>();
  readonly #unwritten = new Set<ChannelId>();
  /** ms: those that are listened to only since then. */
  readonly #begun = new Map<ChannelId, number>();
  /** Not listened to any more: what is still on its way from there begins nothing anew. */
  readonly #forgotten = new Set<ChannelId>();
  /** To be filled as soon as what goes before is done. */
  readonly #waiting = new Set<ChannelId>();
  /** What tells those that are under way, or to come, that newer messages wait for them. */
  readonly #hurries = new Map<ChannelId, Set<() => void>>();
  /** Of those, what waits for its turn alone; where it is certain by now that something was missed, whether it may be read. */
  readonly #looks = new Map<ChannelId, Promise<boolean> | undefined>();
  readonly #behind: LookingBehind;
  readonly #pace: Pace;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: GapsParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.settings.callsPerMinute);
    this.#behind = new LookingBehind({ ...parts, pace: this.#pace });
    for (const name of parts.memory.keys(heardName(''))) {
      const ts = parts.memory.get(name);
      if (typeof ts === 'string') this.#heard.set(name.slice(heardName('').length) as ChannelId, ts);
    }
  }

  heard(team: Team, channel: string, ts: string): void {
    const id = makeChannelId(team.id, channel);
    const before = this.#heard.get(id);
    // Whatever is no moment of now would hide all that comes after.
    if (!isMoment(ts) || (before !== undefined && before >= ts) || this.#forgotten.has(id)) return;
    this.#heard.set(id, ts);
    this.#unwritten.add(id);
    this.#timer ??= setTimeout(() => this.#writeSoon(), this.#parts.writeEvery ?? writeEvery).unref();
  }

  /** From here on it is listened to: what was said before is no gap. Durable at once, or a crash soon after would take what came meanwhile for what was before. */
  async begin(id: ChannelId): Promise<void> {
    this.#forgotten.delete(id);
    if (this.#heard.has(id)) return;
    const begun = Date.now();
    const now = (begun / 1_000).toFixed(6);
    this.#heard.set(id, now);
    this.#begun.set(id, begun);
    await this.#parts.memory.set(heardName(id), now);
  }

  has(id: ChannelId): boolean {
    return this.#heard.has(id);
  }

  async forget(id: ChannelId): Promise<void> {
    this.#heard.delete(id);
    this.#begun.delete(id);
    this.#forgotten.add(id);
    this.#unwritten.delete(id);
    const { memory } = this.#parts;
    const others = [restName(id), refusedName(id)].filter((name) => memory.get(name) !== undefined);
    await Promise.all([...[heardName(id), ...others].map((name) => memory.set(name, undefined)), this.#behind.end(id)]);
  }

  /** Not listened to until the bot is let in again: how far it was heard stands. */
  async rest(id: ChannelId): Promise<void> {
    const { memory } = this.#parts;
    if (!this.#heard.has(id)) return;
    this.#unwritten.delete(id);
    await Promise.all([memory.set(heardName(id), this.#heard.get(id)), memory.set(restName(id), true)]);
  }

  isResting(id: ChannelId): boolean {
    return this.#parts.memory.get(restName(id)) === true;
  }

  async resume(id: ChannelId): Promise<void> {
    await this.#parts.memory.set(restName(id), undefined);
  }

  /** Those of one team that rest. */
  resting(team: Team): ChannelId[] {
    return this.#parts.memory.keys(restName(makeChannelId(team.id, ''))).map((name) => name.slice(restName('').length) as ChannelId);
  }

  /** Registered at once, so that nothing newer goes before. `ready`: the bot is there, as far as it may be; false: nobody of ours sees it. */
  fill(team: Team, id: ChannelId, ready: Promise<unknown>): void {
    // Whether it is waited for or not, and before its turn: a refusal is no failure of ours.
    const isThere = ready.then(
      (isSeen) => isSeen !== false,
      () => true,
    );
    // A look that waits for its turn becomes this, and need not wait any more.
    if (this.#looks.has(id)) {
      this.#looks.set(id, isThere);
      this.hurry(id);
    }
    void this.#register(team, id, () => isThere);
  }

  /** Something may have been missed, though nothing says so. Waits for its turn, or for somebody who waits for it. How much was found. */
  async look(team: Team, id: ChannelId, look: Look, isSeen: () => boolean): Promise<number> {
    if (!this.#heard.has(id) || this.#waiting.has(id)) return 0;
    this.#looks.set(id, undefined);
    const turn = this.#pace.turn(team.id);
    const { from } = look;
    const within = from === undefined ? look : { ...look, from: Math.max(from, this.#begun.get(id) ?? 0) };
    const how = { look: within as Look | undefined };
    const isThere = async (hurried: Promise<void>) => {
      await Promise.race([turn, hurried]);
      const filled = this.#looks.get(id);
      this.#looks.delete(id);
      if (filled === undefined) return isSeen();
      how.look = undefined;
      return await filled;
    };
    return await this.#register(team, id, isThere, how);
  }

  async #register(
    team: Team,
    id: ChannelId,
    isThere: (hurried: Promise<void>) => Promise<boolean>,
    how?: { readonly look: Look | undefined },
  ): Promise<number> {
    // One that has not begun yet reads all that this would; one that has begun may have read too early.
    if (!this.#heard.has(id) || this.#waiting.has(id)) return 0;
    this.#waiting.add(id);
    const { intake, log } = this.#parts;
    let found = 0;
    const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>();
    const hurries = this.#hurries.get(id) ?? new Set();
    this.#hurries.set(id, hurries.add(hurry));
    await intake
      .before(id, async () => {
        const isSeen = await isThere(hurried);
        this.#waiting.delete(id);
        if (isSeen) found = await this.#fill(team, id, hurried, how?.look);
      })
      .finally(() => {
        if (hurries.delete(hurry) && hurries.size === 0) this.#hurries.delete(id);
      })
      .catch((thrown) => log.warn({ channel: id, why: messageOf(thrown) }, 'what was missed could not be read'));
    return found;
  }

  /** Something newer of the channel waits for what was missed of it. */
  hurry(id: ChannelId): void {
    for (const hurry of this.#hurries.get(id) ?? []) hurry();
  }

  /** How many messages were found that nobody had told of. */
  async #fill(team: Team, id: ChannelId, when: Promise<void>, look?: Look): Promise<number> {
    const { intake, settings, inbox } = this.#parts;
    const { id: channel } = parseId(id);
    let found = 0;
    for (let pause = firstPause; ; pause *= 2) {
      const heard = this.#heard.get(id);
      if (heard === undefined) return found;
      const since = look?.from === undefined || timeOf(heard) < look.from ? heard : tsOf(look.from);
      const hurried = { when, patience: hurriedPatience };
      const at = { team, reader: intake.readerOf(team), channel, since: makeMessageId(since) };
      let from: string | undefined = since;
      const reached = (ts: string | undefined) => {
        from = ts;
      };
      const stretch = { ...at, settings, patience, hurried, known: inbox, reached, isLight: look?.isSure === false };
      try {
        const isBehind = settings.callsPerMinute >= fewCalls && (look?.isSure !== false || look.isDeep === true);
        const isFirst = isBehind && (await this.#behind.begin(id, since));
        let asking: ReturnType<typeof nowOf> | undefined;
        for await (const event of historyOf(stretch)) {
          if (!this.#heard.has(id)) return found;
          if (event.kind === 'channel') asking ??= inPatience(nowOf(team, channel));
          const read = event.kind === 'channel' ? asItStands(team, channel, {}, event, (await asking) !== undefined) : event;
          const isNew = read !== undefined && (await this.#give(team, channel, read));
          if (isNew && event.kind === 'message') found += 1;
        }
        await this.#wasRefused(id, undefined);
        // What began before the page that was read.
        if (isFirst && from === undefined) await this.#behind.end(id);
        else if (isBehind) this.#behind.go(team, id, isFirst ? from : undefined);
        return found;
      } catch (thrown) {
        if (this.#isStopped) throw thrown;
        if (thrown instanceof PermanentError) {
          await this.#refused(team, id, since, thrown, look !== undefined);
          return found;
        }
        if (!(thrown instanceof RetryableError)) throw thrown;
        // Whatever goes on before it is read makes it a gap.
        if (pause > longestPause) {
          await this.#give(team, channel, gapOf(team, channel, since, undefined));
          return found;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause).unref());
    }
  }

  /** What is newer goes on, so the room is told; once, however often it is tried before anything new is heard. */
  async #refused(team: Team, id: ChannelId, since: string, refusal: PermanentError, isLook: boolean): Promise<void> {
    const { log } = this.#parts;
    log.warn({ channel: id, why: refusal.message }, 'what was missed could not be read');
    // Whoever's token it is gets another, and it is read then; where nothing says that something was missed, nothing is told.
    if (isLook || isTokenEnded(refusal) || isUnseenChat(team, id, refusal)) return;
    const told = `${since} ${isRefusal(refusal) ? refusal.word : refusal.code}`;
    if (this.#parts.memory.get(refusedName(id)) === told) return;
    const { id: channel } = parseId(id);
    await this.#give(team, channel, { ...gapOf(team, channel, since, undefined), reason: reasonOf(refusal) });
    await this.#wasRefused(id, told);
  }

  async #wasRefused(id: ChannelId, told: string | undefined): Promise<void> {
    const { memory } = this.#parts;
    if (told !== undefined || memory.get(refusedName(id)) !== undefined) await memory.set(refusedName(id), told);
  }

  /** False: it was told before. */
  async #give(team: Team, channel: string, event: SlackRemoteEvent): Promise<boolean> {
    if (event.kind === 'gap') this.#parts.count('gaps', { network: team.id });
    return await this.#parts.intake.give(team, channel, event);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#behind.stop();
    this.#pace.stop();
    await this.write();
  }

  /** What could not be noted is with the channel's next message; until then it is read again after a crash. */
  #writeSoon(): void {
    this.write().catch((thrown) => this.#parts.log.warn({ why: messageOf(thrown) }, 'how far channels were heard could not be noted'));
  }

  async write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const channels = [...this.#unwritten];
    this.#unwritten.clear();
    await Promise.all(channels.map((id) => this.#parts.memory.set(heardName(id), this.#heard.get(id))));
  }
}

const isMoment = (ts: string): boolean => /^\d{10}\.\d{6}$/.test(ts) && timeOf(ts) < Date.now() + clockMargin;
const heardName = (id: string): string => `heard ${id}`;
const refusedName = (id: string): string => `refused ${id}`;
const restName = (id: string): string => `rests ${id}`;

/** Whoever saw it has no login now: with the next one it is read. */
function isUnseenChat(team: Team, id: ChannelId, refusal: PermanentError): boolean {
  if (!isRefusal(refusal, 'channel_not_found')) return false;
  const { id: channel } = parseId(id);
  const kind = channel.startsWith('D') ? 'direct' : team.conversations.known(channel)?.kind;
  return (kind === 'direct' || kind === 'group') && !team.chats.has(channel);
}

function reasonOf(refusal: PermanentError): string {
  if (!isRefusal(refusal)) return `${refusal.message}. ${refusal.remedy}`;
  const { word, needed } = refusal;
  const lacks = needed.length === 0 ? '' : `: ${needed.join(', ')}`;
  if (refusal.code === 'NETWORK_LOGIN')
    return `Slack does not let the bridge read what was said, ${word}${lacks}. Admins of the bridge: say install to its bot, and give the app what it lacks`;
  return `Slack does not let the bridge read what was said, ${word}. Let the bridge into the channel: in Slack, invite its app`;
}

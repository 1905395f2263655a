// What comes from Slack, whichever way it comes: one shape of event for Socket Mode, the Events API, RTM and outgoing webhooks, and
// what each way of hearing is told and tells. Types only; how each is spoken stands in the file of its name.

import type { Logger } from '#bridge-core';

export type Transport = 'socket' | 'events' | 'rtm' | 'webhook';

/** The event itself, as Slack made it; equal on all transports but for `channel_type`, which RTM lacks. */
export type InnerEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface SlackEvent {
  /** The workspace that it is told for; in a channel shared with others not always the one that it happened in. */
  readonly team: string;
  readonly enterprise?: string;
  /** The app that it is told to (`A…`); RTM and webhooks do not say. */
  readonly app?: string;
  readonly eventId?: string;
  readonly event: InnerEvent;
  readonly source: Transport;
  /** Whatever its receiver was opened as: for whom this may speak is decided by that, not by what the event says of itself. */
  readonly via: string;
  /** ms. */
  readonly receivedAt: number;
  /** In whose name it is told: one of those that may see it. RTM: the connection's own identity. */
  readonly authorizations?: readonly Authorization[];
  readonly isExtShared?: boolean;
  /** For apps.event.authorizations.list. */
  readonly context?: string;
  /** Slack's own tries before this one, and why they failed. */
  readonly retry?: { readonly number: number; readonly reason: string };
}

export interface Authorization {
  readonly user: string;
  readonly isBot: boolean;
  readonly team?: string;
  readonly enterprise?: string;
}

export interface SlackCommand {
  readonly team: string;
  readonly enterprise?: string;
  readonly app?: string;
  readonly channel: string;
  /** `directmessage` and `privategroup` are no names. */
  readonly channelName: string;
  readonly user: string;
  readonly userName: string;
  /** With its slash: `/matrix`. */
  readonly command: string;
  readonly text: string;
  /** Takes five more answers within half an hour. */
  readonly responseUrl: string;
  readonly triggerId?: string;
  readonly source: 'socket' | 'events';
  readonly via: string;
}

export interface SlackInteraction {
  /** `block_actions`, `message_action`, `view_submission` … */
  readonly type: string;
  readonly team: string;
  readonly enterprise?: string;
  readonly app?: string;
  readonly user: string;
  readonly channel?: string;
  readonly messageTs?: string;
  readonly actions: readonly { readonly id: string; readonly block?: string; readonly value?: string }[];
  readonly responseUrl?: string;
  readonly source: 'socket' | 'events';
  readonly via: string;
  /** All of it, as Slack made it. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What the asker, or with `isInChannel` everybody there, is shown. */
export interface SlackAnswer {
  readonly text?: string;
  readonly blocks?: readonly object[];
  readonly isInChannel?: boolean;
  /** Of an interaction: the message that holds the button becomes this, or goes. */
  readonly original?: 'replace' | 'delete';
}

export type SourceState =
  | { readonly state: 'connecting' }
  /** `wasLost`: something may have been missed since the last time it was up, or since ever. */
  | { readonly state: 'up'; readonly wasLost: boolean }
  | { readonly state: 'down'; readonly reason: string }
  /** Slack does not take the token for this, and will not by itself: no further try is made. */
  | { readonly state: 'refused'; readonly reason: string };

/** What the listener above is told. All may be called again before an earlier call has settled. */
export interface Listener {
  /** Resolves when journaled: only then is Slack told that it was taken. Rejects, or takes over three seconds: Slack tells it again. */
  readonly onEvent: (event: SlackEvent) => Promise<void>;
  /** An answer that takes longer than Slack waits goes to the response address. */
  readonly onCommand?: (command: SlackCommand) => Promise<SlackAnswer | undefined>;
  readonly onInteraction?: (interaction: SlackInteraction) => Promise<SlackAnswer | undefined>;
  /** `team` where Slack holds back events since there are too many (`minute`: since when, ms): fill the gap later. */
  readonly onHeldBack?: (heldBack: { readonly team: string; readonly minute: number; readonly via: string }) => void;
}

export interface SourceOptions extends Listener {
  /** Comes back in every event; also for logs. */
  readonly via: string;
  readonly log: Logger;
  readonly onState: (state: SourceState) => void;
  readonly timing?: Partial<SourceTiming>;
}

/** ms; only tests set these. */
export interface SourceTiming {
  /** Connected and silent for so long, not even an answer to our ping: connect afresh. */
  readonly silence: number;
  readonly firstPause: number;
  readonly longestPause: number;
  /** For a connection to come up. */
  readonly connectTimeout: number;
  /** Slack waits so long for an answer. */
  readonly answerWithin: number;
}

/** Something that is open and heals itself until it is closed. */
export interface Source {
  readonly isUp: boolean;
  /** Leaves no timer and no socket behind. */
  close(): Promise<void>;
}

export interface RtmSource extends Source {
  /** Shown for some seconds. Lost silently where the connection is away. */
  type(channel: string, threadTs?: string): void;
}

/** What came by HTTP: headers in lower case, body as it came. */
export interface HttpRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

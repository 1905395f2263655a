// From what happened to those who are told: each app once, by the transport that it chose, and every RTM connection that may hear it.

import { type Authorization, authorizationsOf } from './audience.ts';
import { type EventEnvelope, nameOf, wrap } from './envelope.ts';
import type { EventsApi } from './events-api.ts';
import type { Gate } from './gate.ts';
import type { InnerEvent } from './inner-events.ts';
import type { App } from './model.ts';
import type { Retries } from './retries.ts';
import type { Rtm } from './rtm.ts';
import type { SocketMode } from './socket-mode.ts';
import type { Happening, World } from './world.ts';

export interface DispatchOptions {
  readonly world: World;
  readonly gate: Gate;
  readonly retries: Retries;
  readonly socketMode: SocketMode;
  readonly eventsApi: EventsApi;
  readonly rtm: Rtm;
}

export class Dispatch {
  /** What apps.event.authorizations.list answers, by the context of the event. */
  readonly contexts = new Map<string, readonly Authorization[]>();
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
    options.world.listen((happening) => this.#tell(happening));
  }

  #tell(happening: Happening): void {
    const { world, rtm } = this.#options;
    const { event, audience } = happening;
    const isDoubling = nameOf(event) === 'message/message_replied';
    const { messageReplied } = world.quirks;
    if (!isDoubling || messageReplied !== 'never') rtm.tell(happening);
    if (isDoubling && !messageReplied.startsWith('everywhere')) return;
    const told = isDoubling && messageReplied === 'everywhere without subtype' ? withoutSubtype(event) : event;
    for (const app of world.apps.values()) {
      if (!app.usesSocketMode && app.eventsUrl === undefined) continue;
      const authorizations = authorizationsOf(world, app, happening);
      const [first] = authorizations;
      if (first === undefined) continue;
      const envelope = wrap(world, app, told, audience, first);
      this.#remember(envelope.event_context, authorizations);
      this.#send(app, envelope);
    }
  }

  #remember(context: string, authorizations: readonly Authorization[]): void {
    this.contexts.set(context, authorizations);
    const [oldest] = this.contexts.keys();
    if (this.contexts.size > 10_000 && oldest !== undefined) this.contexts.delete(oldest);
  }

  #send(app: App, envelope: EventEnvelope): void {
    const { gate, eventsApi, socketMode } = this.#options;
    gate.pass(`app ${app.id}`, {
      what: nameOf(envelope.event),
      app: app.id,
      transport: app.usesSocketMode ? 'socket' : 'events',
      send: () => (app.usesSocketMode ? this.#sendOnSocket(app, envelope) : eventsApi.deliver(app, envelope)),
      cut: () => socketMode.cut(app),
    });
  }

  #sendOnSocket(app: App, envelope: EventEnvelope): void {
    const { retries, socketMode } = this.#options;
    const payload = envelope as unknown as Readonly<Record<string, unknown>>;
    const record = {
      transport: 'socket',
      app: app.id,
      team: envelope.team_id,
      what: nameOf(envelope.event),
      eventId: envelope.event_id,
      payload,
    } as const;
    void retries.deliver(record, (attempt) => socketMode.send(app, 'events_api', envelope, attempt));
  }
}

function withoutSubtype(event: InnerEvent): InnerEvent {
  return { ...event, subtype: undefined } as InnerEvent;
}

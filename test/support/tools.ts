// An adapter's tools that write everything down: what the core would be told, remembered and logged.

import type { AdapterTools, Inbox, Json, KeyValue, Logger, RemoteEvent, Secrets, Speaker, Web } from '#bridge-core';

export interface KeptTools {
  readonly tools: AdapterTools;
  readonly events: RemoteEvent[];
  readonly connections: { readonly speaker: Speaker; readonly network: string; readonly state: string }[];
  readonly memory: Map<string, Json>;
}

export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };

export const keptIn = (memory: Map<string, Json>): KeyValue => ({
  get: (key) => memory.get(key),
  async set(key, value) {
    if (value === undefined) memory.delete(key);
    else memory.set(key, value);
  },
  keys: (prefix) => [...memory.keys()].filter((key) => key.startsWith(prefix)),
});

export const secretsIn = (secrets: Map<string, string>): Secrets => ({
  get: (name) => secrets.get(name),
  async set(name, secret) {
    if (secret === undefined) secrets.delete(name);
    else secrets.set(name, secret);
  },
  names: (prefix) => [...secrets.keys()].filter((name) => name.startsWith(prefix)),
});

/** For adapters that have no pages, and none who could open one. */
export const noWeb: Web = { route() {}, url: () => undefined };

/** `inbox` takes part of what comes; the rest is kept. */
export function keepTools(inbox: Partial<Inbox> = {}, memory = new Map<string, Json>()): KeptTools {
  const events: RemoteEvent[] = [];
  const connections: { speaker: Speaker; network: string; state: string }[] = [];
  return {
    events,
    connections,
    memory,
    tools: {
      memory: keptIn(memory),
      secrets: secretsIn(new Map()),
      web: noWeb,
      log: silentLog,
      count: () => {},
      publicUrl: undefined,
      inbox: {
        async receive(event) {
          events.push(event);
          await inbox.receive?.(event);
        },
        connection(speaker, network, state, reason) {
          connections.push({ speaker, network, state });
          inbox.connection?.(speaker, network, state, reason);
        },
        suspended: (channel, reason) => inbox.suspended?.(channel, reason),
        readmitted: (channel) => inbox.readmitted?.(channel),
        members: (channel) => inbox.members?.(channel),
        gone: (channel, reason) => inbox.gone?.(channel, reason),
        changed: (channel) => inbox.changed?.(channel),
        ...(inbox.moved !== undefined && { moved: inbox.moved }),
      },
    },
  };
}

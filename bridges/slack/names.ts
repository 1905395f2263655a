// What the formatter must be told to read Slack's ids: from a cache, at once, for a message is read where nobody waits. A name
// that is not known yet is undefined, and the id stands in its place.

export interface FormatterNames {
  /** How a person is called now, without a sign before it. */
  user(team: string, id: string): string | undefined;
  /** What is known to whoever reads it in the channel `here`; its id, where it is not for them to know. */
  channel(team: string, id: string, here: string): string | undefined;
  /** Whether it is known that whoever reads in `here` may read there too. */
  isForAll?(team: string, id: string, here: string): boolean;
  /** A group's handle. */
  usergroup(team: string, id: string): string | undefined;
  /** A workspace's own emoji, as Slack lists it: its address, or `alias:other`. */
  emoji(team: string, name: string): string | undefined;
}

/** Knows nobody: for webhooks of who has no workspace. */
export const noNames: FormatterNames = {
  user: () => undefined,
  channel: () => undefined,
  usergroup: () => undefined,
  emoji: () => undefined,
};

// What a message of Gitter's says: its markdown, and whom and what the server found in it. Plain data, journaled as it stands.

export type GitterBody = {
  readonly text: string;
  /** Who is meant by `@name`, as far as they are people of Gitter. */
  readonly mentions?: readonly { readonly name: string; readonly id: string }[];
  /** Where `#12` leads: the address of the project that the room belongs to. */
  readonly project?: string;
  /** This Gitter's own address, where pictures of it may stand among the words: they need no https. */
  readonly home?: string;
};

/** Gitter's own limit, in signs as JavaScript counts them; bytes are never fewer. */
export const longestText = 4_096;

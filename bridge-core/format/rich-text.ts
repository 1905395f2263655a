// Neutral rich text: what a message says and how it looks, free of HTML and of any network's markup. Plain data; the tree
// is at most `maxDepth` deep whoever made it.

import type { ChannelId, RemoteUserId, RoomId, UserId } from '../ids.ts';

export const maxDepth = 50;

export type RichText = readonly Block[];

export type Block =
  | { readonly is: 'paragraph'; readonly of: readonly Inline[] }
  | { readonly is: 'heading'; readonly level: 1 | 2 | 3 | 4 | 5 | 6; readonly of: readonly Inline[] }
  | { readonly is: 'quote'; readonly of: readonly Block[] }
  /** `start` is the number of the first item; present only for ordered lists. */
  | { readonly is: 'list'; readonly start?: number; readonly items: readonly (readonly Block[])[] }
  | { readonly is: 'preformatted'; readonly language?: string; readonly text: string }
  | { readonly is: 'table'; readonly rows: readonly (readonly (readonly Inline[])[])[]; readonly header: boolean }
  | { readonly is: 'rule' };

export type Mark = 'bold' | 'italic' | 'underline' | 'strike' | 'superscript' | 'subscript';

export type Inline =
  /** Never contains a line break: that is a `break`. */
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: Mark; readonly of: readonly Inline[] }
  | { readonly is: 'code'; readonly text: string }
  /** Colours as `#rrggbb`, lower case. */
  | { readonly is: 'colour'; readonly ink?: string; readonly paper?: string; readonly of: readonly Inline[] }
  | { readonly is: 'spoiler'; readonly reason?: string; readonly of: readonly Inline[] }
  /** `to` is http, https, mailto, matrix, magnet, ftp, irc or ircs: others never become a link. */
  | { readonly is: 'link'; readonly to: string; readonly of: readonly Inline[] }
  /** A small picture in the text (custom emoji), or one to be looked at: then `picture` is there. `source` is an mxc: or https:
   *  address. */
  | { readonly is: 'image'; readonly source: string; readonly alt: string; readonly picture?: Picture }
  /** `text` is how the author's side wrote it, without a sign before it. */
  | { readonly is: 'mention'; readonly of: Mentioned; readonly text: string }
  | { readonly is: 'break' };

/** In pixels, as far as known. */
export interface Picture {
  readonly width?: number;
  readonly height?: number;
}

export type Mentioned =
  | { readonly user: UserId }
  | { readonly remote: RemoteUserId }
  | { readonly room: RoomId | string }
  | { readonly channel: ChannelId }
  | { readonly everyone: true };

export const text = (words: string): Inline => ({ is: 'text', text: words });
export const paragraph = (...of: Inline[]): Block => ({ is: 'paragraph', of });

/** Text without any formatting, one paragraph a line break kept as `break`. */
export function fromPlain(body: string): RichText {
  const of: Inline[] = [];
  for (const [number, line] of body.split(/\r\n|\n|\r/).entries()) {
    if (number > 0) of.push({ is: 'break' });
    if (line !== '') of.push(text(line));
  }
  return of.length === 0 ? [] : [{ is: 'paragraph', of }];
}

// Tells which lines came over the bridge, seen from both ends, and how long each took.

import type { IrcPerson } from '../test/support/irc-person.ts';
import type { MatrixPerson } from '../test/support/matrix-person.ts';

export interface Crossing {
  readonly to: 'Matrix' | 'IRC';
  readonly who: string;
  readonly text: string;
  /** From where it was said to where it was heard; undefined where the two could not be told to belong together. */
  readonly ms: number | undefined;
}

export interface Watched {
  readonly matrix: { readonly person: MatrixPerson; readonly room: string };
  readonly irc: { readonly person: IrcPerson; readonly channel: string };
}

/** What the bridge calls those who stand for somebody of the other side: its ghosts, its puppets and its bot. */
const isGhost = (userId: string) => userId.startsWith('@irc_');
const isOfBridge = (nick: string) => /\[m\]\d*$|^causeway/.test(nick);

/** An original that is heard after its copy, since a sync takes its time, is waited for so long. */
const patience = 300;
const remembered = 60_000;

/** Calls `report` for each line that crosses, from now on. Returns a function by which the two say what they themselves say. */
export function watchCrossings({ matrix, irc }: Watched, report: (crossing: Crossing) => void): { said(text: string): void } {
  /** What was said on either side, when. */
  const originals = new Map<string, number>();
  const said = (text: string, at = Date.now()) => {
    if (!originals.has(text)) originals.set(text, at);
    setTimeout(() => originals.delete(text), remembered).unref();
  };
  const heard = (to: Crossing['to'], who: string, text: string) => {
    const at = Date.now();
    const tell = () => {
      const began = originals.get(text);
      report({ to, who, text, ms: began === undefined ? undefined : at - began });
    };
    if (originals.has(text)) tell();
    else setTimeout(tell, patience);
  };
  matrix.person.listen(({ room, type, sender, content, origin_server_ts }) => {
    if (room !== matrix.room || type !== 'm.room.message') return;
    if (isGhost(sender)) heard('Matrix', sender, content.body);
    else said(content.body, origin_server_ts);
  });
  irc.person.listen(({ command, target, nick, text }) => {
    if (command !== 'PRIVMSG' || target.toLowerCase() !== irc.channel.toLowerCase()) return;
    const plain = text.replace(/^\x01ACTION (.*)\x01$/, '$1');
    if (isOfBridge(nick)) heard('IRC', nick, plain);
    else said(plain);
  });
  return { said };
}

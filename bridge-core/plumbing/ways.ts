// Which way a channel's topic and name are carried over a link, where nobody said: the one place that decides it.

import type { TopicWay } from '../adapter.ts';
import type { Link, LinkOptions } from './links.ts';

/** As options of a link say it, once who rules the room asked for it; `since` when, in ms, for a room's older events may be read again. */
export function asked(what: 'topic' | 'name', way: TopicWay, since = Date.now()): LinkOptions {
  return { [`${what}Asked`]: way, [`${what}Since`]: since };
}

/** The config's word stands before the room's. Where neither was said, a room made for the channel is called as the channel is;
 *  one that people brought has a name of its own. */
export function wayOf(link: Pick<Link, 'options' | 'origin'>, what: 'topic' | 'name'): TopicWay {
  const said = link.options[what] ?? link.options[`${what}Asked`];
  if (typeof said === 'string') return said as TopicWay;
  return what === 'name' && link.origin !== 'portal' ? 'off' : 'to-matrix';
}

export const isToMatrix = (way: TopicWay): boolean => way === 'to-matrix' || way === 'both';
export const isToNetwork = (way: TopicWay): boolean => way === 'to-network' || way === 'both';

/** Does what the room is called by this event, or its topic, concern the channel? */
export function goesToNetwork(link: Pick<Link, 'options' | 'origin'>, what: 'topic' | 'name', at: number): boolean {
  return isToNetwork(wayOf(link, what)) && at >= Number(link.options[`${what}Since`] ?? 0);
}

// Which way a channel's topic and name are carried over a link, where nobody said: the one place that decides it.

import type { TopicWay } from '../adapter.ts';
import type { Link } from './links.ts';

/** A room made for the channel is called as the channel is; one that people brought has a name of its own. */
export function wayOf(link: Pick<Link, 'options' | 'origin'>, what: 'topic' | 'name'): TopicWay {
  const said = link.options[what];
  if (typeof said === 'string') return said as TopicWay;
  return what === 'name' && link.origin !== 'portal' ? 'off' : 'to-matrix';
}

export const isToMatrix = (way: TopicWay): boolean => way === 'to-matrix' || way === 'both';
export const isToNetwork = (way: TopicWay): boolean => way === 'to-network' || way === 'both';

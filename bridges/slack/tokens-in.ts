// What stands in angle brackets in a Slack text: addresses, people, channels, groups, dates, and the words that call everybody.

import { type Inline, text } from '#bridge-core';
import { filledIn } from './dates.ts';
import { plainly, type Reading } from './reading.ts';

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** The three that Slack has; any other `&` is itself. */
export const decoded = (words: string): string =>
  words.includes('&') ? words.replace(/&(?:amp|lt|gt);/g, (entity) => entities[entity] ?? entity) : words;

/** `content` without its brackets; `label` reads the words after the bar. Undefined: no token, but words between signs. */
export function readToken(content: string, reading: Reading, label: (words: string) => readonly Inline[]): readonly Inline[] | undefined {
  const bar = content.indexOf('|');
  const target = bar === -1 ? content : content.slice(0, bar);
  const words = bar === -1 ? '' : content.slice(bar + 1);
  const id = target.slice(1);
  switch (target[0]) {
    case '@':
      return /^[UWB][A-Z0-9]+$/.test(id) ? [reading.user(id, decoded(words))] : plainly(decoded(words || target));
    case '#':
      return /^[CGD][A-Z0-9]+$/.test(id) ? [reading.channel(id, decoded(words))] : plainly(decoded(words || target));
    case '!':
      return readCommand(id, words, reading, label);
    default:
      return /^[a-z][a-z0-9+.-]*:/i.test(target) ? reading.link(decoded(target), label(words)) : undefined;
  }
}

function readCommand(command: string, words: string, reading: Reading, label: (words: string) => readonly Inline[]): readonly Inline[] {
  const [name = '', ...given] = command.split('^');
  switch (name) {
    case 'here':
    case 'channel':
    case 'everyone':
    case 'group':
      return [reading.everyone(name === 'group' ? 'channel' : name)];
    case 'subteam':
      return [reading.usergroup(given[0] ?? '', decoded(words))];
    case 'date': {
      const [seconds = '', template = '', address = ''] = given;
      const shown = words === '' ? [text(filledIn(decoded(template), Number(seconds)) ?? seconds)] : label(words);
      return address === '' ? shown : reading.link(decoded(address), shown);
    }
    default:
      return words === '' ? plainly(decoded(`<${name}>`)) : label(words);
  }
}

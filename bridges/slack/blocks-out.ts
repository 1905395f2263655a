// The parts of a message as Slack's `rich_text` blocks, in which every text is literal. Their shapes are those of @slack/types.

import type { Json } from '#bridge-core';
import type { Part } from './parts-out.ts';
import { type Look, plainLook, type Run, sameLook } from './runs-out.ts';

export function printBlocks(parts: readonly Part[]): Json[] {
  const blocks: Json[] = [];
  let elements: Json[] = [];
  const flush = () => {
    if (elements.length > 0) blocks.push({ type: 'rich_text', elements });
    elements = [];
  };
  for (const part of parts) {
    if (part.is === 'rule') {
      flush();
      blocks.push({ type: 'divider' });
    } else {
      elements.push(elementOf(part));
    }
  }
  flush();
  return blocks;
}

function elementOf(part: Exclude<Part, { is: 'rule' }>): Json {
  switch (part.is) {
    case 'section':
      return { type: 'rich_text_section', elements: leavesOf(part.runs) };
    case 'quote':
      return { type: 'rich_text_quote', elements: leavesOf(part.runs) };
    case 'preformatted':
      return { type: 'rich_text_preformatted', elements: [{ type: 'text', text: part.text }], ...(part.isQuoted && { border: 1 }) };
    case 'list':
      return {
        type: 'rich_text_list',
        style: part.isOrdered ? 'ordered' : 'bullet',
        indent: part.indent,
        ...(part.isOrdered && part.offset > 0 && { offset: part.offset }),
        ...(part.isQuoted && { border: 1 }),
        elements: part.items.map((runs) => ({ type: 'rich_text_section', elements: leavesOf(runs) })),
      };
  }
}

function leavesOf(runs: readonly Run[]): Json[] {
  const leaves: Json[] = [];
  let words = '';
  let look = plainLook;
  const flush = () => {
    if (words !== '') leaves.push({ type: 'text', text: words, ...styleOf(look) });
    words = '';
  };
  for (const run of runs) {
    if (run.say === 'break' && words !== '') {
      // A line's end takes the look of what stands before it.
      words += '\n';
    } else if (run.say === 'break' || (run.say === 'text' && run.look.link === undefined)) {
      if (!sameLook(run.look, look)) flush();
      look = run.look;
      words += run.say === 'break' ? '\n' : run.text;
    } else {
      flush();
      if (run.say === 'text') leaves.push({ type: 'link', url: run.look.link, text: run.text, ...styleOf(run.look) });
      else leaves.push({ ...leafOf(run), ...styleOf({ ...run.look, code: false }) });
    }
  }
  flush();
  return leaves;
}

function leafOf(run: Exclude<Run, { say: 'text' | 'break' }>): { readonly [key: string]: Json } {
  switch (run.say) {
    case 'user':
      return { type: 'user', user_id: run.id };
    case 'channel':
      return { type: 'channel', channel_id: run.id };
    case 'everyone':
      return { type: 'broadcast', range: run.range };
    case 'emoji':
      return { type: 'emoji', name: run.name };
  }
}

function styleOf({ bold, italic, strike, code }: Look): { readonly style?: Json } {
  if (!(bold || italic || strike || code)) return {};
  return { style: { ...(bold && { bold }), ...(italic && { italic }), ...(strike && { strike }), ...(code && { code }) } };
}

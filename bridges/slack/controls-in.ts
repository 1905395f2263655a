// Buttons, menus and fields of a Slack message by their labels, in brackets: they cannot be pressed from Matrix, but what was
// asked can be read. A button that only leads to a page is a link.

import { type Inline, inlinesOf, text } from '#bridge-core';
import { type Fields, fieldsIn, listIn, textIn } from './fields.ts';
import { joined, oneLine, type Reading } from './reading.ts';
import { readText } from './text-in.ts';

export function labelsIn(elements: readonly Fields[], reading: Reading): Inline[] {
  return joined(
    elements.map((element) => labelsOf(element, reading)),
    text(' '),
  );
}

/** Empty for what is no such thing. */
export function labelsOf(element: Fields, reading: Reading): readonly Inline[] {
  const kind = typeof element.type === 'string' ? element.type : '';
  switch (kind) {
    case 'button':
    case 'workflow_button':
    case 'icon_button': {
      const label = bracketed(wordsOf(element.text, reading));
      const address = textIn(element, 'url');
      return address === undefined || label.length === 0 ? label : reading.link(address, label);
    }
    case 'feedback_buttons':
      return joined(
        ['positive_button', 'negative_button'].map((name) => bracketed(wordsOf(fieldsIn(element, name)?.text, reading))),
        text(' '),
      );
    case 'checkboxes':
    case 'radio_buttons':
      return choices(element, reading);
    case 'overflow':
      return optionsOf(element, reading);
    case 'image':
      return reading.picture(textIn(element, 'image_url'), textIn(element, 'alt_text') ?? '');
    case 'mrkdwn':
    case 'plain_text':
      return inlinesOf(readText(element, reading));
    default:
      return fields.test(kind) ? bracketed(standingIn(element, reading)) : [];
  }
}

const fields = /(?:_select|^select|picker|_input|^rich_text_input)$/;

function choices(element: Fields, reading: Reading): Inline[] {
  const chosen = new Set(
    [...listIn(element, 'initial_options'), fieldsIn(element, 'initial_option')].map((option) => textIn(option, 'value')),
  );
  const all = listIn(element, 'options').map((option): readonly Inline[] => [
    text(chosen.has(textIn(option, 'value')) ? '☑ ' : '☐ '),
    ...wordsOf(option.text, reading),
  ]);
  return joined(all, { is: 'break' });
}

function optionsOf(element: Fields, reading: Reading): Inline[] {
  const all = listIn(element, 'options').map((option) => {
    const label = bracketed(wordsOf(option.text, reading));
    const address = textIn(option, 'url');
    return address === undefined ? label : reading.link(address, label);
  });
  return joined(all, text(' '));
}

/** What stands in the field, else what it asks for. */
function standingIn(element: Fields, reading: Reading): readonly Inline[] {
  const chosen = [fieldsIn(element, 'initial_option'), ...listIn(element, 'initial_options')].filter((option) => option !== undefined);
  if (chosen.length > 0)
    return joined(
      chosen.map((option) => wordsOf(option.text, reading)),
      text(', '),
    );
  const given = ['initial_value', 'initial_date', 'initial_time'].map((name) => textIn(element, name)).find((value) => value !== undefined);
  return given === undefined ? wordsOf(element.placeholder, reading) : [text(oneLine(given))];
}

const wordsOf = (value: unknown, reading: Reading): readonly Inline[] => inlinesOf(readText(value, reading));

function bracketed(words: readonly Inline[]): Inline[] {
  return words.length === 0 ? [] : [text('['), ...words, text(']')];
}

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { maxDepth } from '../../../bridge-core/format/rich-text.ts';
import { toHtml, toPlain } from '../../../bridge-core/format/to-html.ts';
import { channelId, type Fit } from '../../../bridge-core/index.ts';
import type { SlackBody } from '../../../bridges/slack/body.ts';
import { slackFormatter } from '../../../bridges/slack/formatter.ts';
import { depthOf } from '../../support/rich-text.ts';
import { names } from './known-people.ts';
import { pingsIn } from './pings.ts';

interface Case {
  readonly about: string;
  readonly body: SlackBody;
  /** A block or a paragraph a line. */
  readonly html: readonly string[];
  readonly plain: readonly string[];
}

const folder = join(import.meta.dirname, 'corpus');
const cases = readdirSync(folder).map((file): [string, Case] => [file, JSON.parse(readFileSync(join(folder, file), 'utf8'))]);
const formatter = slackFormatter(names);
const channel = channelId('T1/C0GENERAL');
const fit: Fit = { bytes: 40_000, lines: 10, markup: true, style: 'text', mention: () => undefined };

describe('real-shaped messages of Slack', () => {
  for (const [file, { about, body, html, plain }] of cases) {
    test(`${file.replace('.json', '')}: ${about}`, () => {
      const text = formatter.parse(body, channel);
      assert.deepEqual(toHtml(text), html.join(''));
      assert.deepEqual(toPlain(text).split('\n'), plain);
      assert.ok(depthOf(text) <= maxDepth);
    });
  }

  test('a plain body has none of Slack’s own signs in it', () => {
    for (const [file, { body, plain }] of cases) {
      const words = plain.join('\n');
      assert.doesNotMatch(words, /<[@#!][^>]*>|<https?:|\|[^ ]*>|&(?:amp|lt|gt);|:(?:tada|heart|bug|fire|rocket):|\{date/, file);
      assert.notEqual(words, '', JSON.stringify(body));
    }
  });

  test('printed again each has its words, and calls nobody', () => {
    const bare = (words: string) => words.replace(/[\s\u200b\u2060|>•\d.()+-]|spoiler/gu, '');
    for (const [file, { body }] of cases) {
      const text = formatter.parse(body, channel);
      const printed = formatter.print(text, fit);
      assert.deepEqual(printed.flatMap(pingsIn), [], file);
      const again = printed.map((each) => toPlain(formatter.parse(each, channel))).join('\n');
      if (!/"(?:image|table|color|file|video|emoji)/.test(JSON.stringify(body))) assert.equal(bare(again), bare(toPlain(text)), file);
    }
  });
});

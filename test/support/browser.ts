// A real browser on the bridge's pages: one page of a fresh profile, closed with the test.

import type { TestContext } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { saySilently } from '../../quickstart/servers/cache.ts';
import { installChromium, noBrowser } from '../../quickstart/servers/chromium.ts';
import { patience } from './waiting.ts';

/** Undefined where there is no browser to be had: the test is then skipped, with that as its reason. */
export async function openPage(t: TestContext): Promise<Page | undefined> {
  const found = await installChromium(saySilently);
  if (found === undefined) {
    t.skip(noBrowser);
    return undefined;
  }
  const env = { ...process.env, ...found.env };
  const args = ['--no-sandbox', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath: found.program, env, args, timeout: patience });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  return page;
}

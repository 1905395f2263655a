// Long texts as pages: what they show, what they must not let through, and that they go when they are told to.

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { openPages, type Page } from '../../../bridge-core/appservice/pages.ts';
import { WebRoutes } from '../../../bridge-core/appservice/web.ts';
import { paragraph, text } from '../../../bridge-core/format/rich-text.ts';
import { eventId, roomId } from '../../../bridge-core/ids.ts';
import { tempStore } from './kit.ts';

function open(t: TestContext, publicUrl: string | undefined = 'https://bridge.example/') {
  const web = new WebRoutes({ publicUrl, webPrefix: 'irc' });
  const pages = openPages({ store: tempStore(t), web });
  const get = async (url: string | undefined) => {
    const path = new URL(url ?? assert.fail('no address')).pathname.slice('/irc'.length);
    const found = web.find('GET', path) ?? assert.fail('no route');
    if ('methods' in found) return assert.fail('no GET');
    const request = {
      method: 'GET',
      path,
      params: found.params,
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
      from: '',
    };
    const { status, headers, body } = await found.handler(request);
    return { status, headers: headers ?? {}, html: String(body) };
  };
  return { pages, get };
}

const page = (body: Page['body'], more: Partial<Page> = {}): Page => ({
  room: roomId('!r:hs.test'),
  event: eventId('$e'),
  title: 'alice in #node',
  body,
  ...more,
});

test('a text is shown under an address that nobody guesses', async (t) => {
  const { pages, get } = open(t);
  const first = await pages.publish(
    page([paragraph(text('Hello '), { is: 'bold', of: [text('world')] }), paragraph(text('Again'))].flat()),
  );
  const second = await pages.publish(page('same'));
  assert.match(first ?? '', /^https:\/\/bridge\.example\/irc\/page\/[\w-]{20}$/);
  assert.notEqual(first, second);
  const { status, html } = await get(first);
  assert.equal(status, 200);
  assert.match(html, /<h1>alice in #node<\/h1>/);
  assert.match(html, /<p>Hello <strong>world<\/strong><\/p>\s*<p>Again<\/p>/);
  assert.match(html, /name="viewport"/);
  assert.match(html, /prefers-color-scheme:dark/);
});

test('nothing in a text or a title becomes markup, and no script could run', async (t) => {
  const { pages, get } = open(t);
  const evil = '</code><script>alert(1)</script><img src=x onerror=alert(1)>';
  const inText = await get(
    await pages.publish(page([paragraph(text(evil)), { is: 'preformatted', text: evil, language: 'js' }], { title: evil })),
  );
  const asIs = await get(await pages.publish(page(evil, { language: '../../evil' })));
  for (const { html, headers } of [inText, asIs]) {
    assert.ok(!html.includes('<script'), html);
    assert.ok(!html.includes('<img'));
    const policy = headers['content-security-policy'] ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.ok(!policy.includes('script-src') && !policy.includes('unsafe'));
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? '';
    assert.ok(policy.includes(`'sha256-${hash('sha256', style, 'base64')}'`), 'the one style sheet is the one allowed');
  }
});

test('code is coloured in its language, by its common names too, and shown plain where that is unknown', async (t) => {
  const { pages, get } = open(t);
  const inText = await get(await pages.publish(page([{ is: 'preformatted', text: 'const a = 1 < 2;', language: 'ts' }])));
  assert.match(inText.html, /<span class="hljs-keyword">const<\/span>/);
  const asIs = await get(await pages.publish(page('def f(): return "x"', { language: 'py' })));
  assert.match(asIs.html, /<span class="hljs-keyword">def<\/span>/);
  const unknown = await get(await pages.publish(page('a < b', { language: 'klingon' })));
  assert.match(unknown.html, /<pre><code>a &#60; b<\/code><\/pre>/);
});

test('a page whose message was deleted says so; an unknown one is not there', async (t) => {
  const { pages, get } = open(t);
  const url = await pages.publish(page('secret'));
  const other = await pages.publish(page('other', { event: eventId('$other') }));
  await pages.revoke({ room: roomId('!elsewhere:hs.test'), event: eventId('$e') });
  assert.equal((await get(url)).status, 200, 'another room has no say');
  await pages.revoke({ room: roomId('!r:hs.test'), event: eventId('$e') });
  const gone = await get(url);
  assert.equal(gone.status, 410);
  assert.ok(!gone.html.includes('secret') && !gone.html.includes('alice'));
  assert.equal((await get(other)).status, 200);
  assert.equal((await get('https://bridge.example/irc/page/AAAAAAAAAAAAAAAAAAAA')).status, 404);
});

test('without a public address there are no pages', async (t) => {
  const store = tempStore(t);
  const pages = openPages({ store, web: new WebRoutes() });
  assert.equal(await pages.publish(page('x')), undefined);
  assert.deepEqual(store.prepare('SELECT count(*) AS rows FROM pages').get(), { rows: 0 });
});

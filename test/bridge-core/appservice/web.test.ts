// Which handler a path finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebRoutes } from '../../../bridge-core/appservice/web.ts';

function table() {
  const web = new WebRoutes();
  web.route('GET', '/media/:token/:name', () => ({ body: 'media' }));
  web.route('GET', '/media/:token/info', () => ({ body: 'never: the first that fits answers' }));
  web.route('POST', '/hook', () => ({ body: 'hook' }));
  return web;
}

test('named parts are decoded one by one', () => {
  const found = table().find('GET', '/media/a%2Fb/c%20d.png');
  assert.ok(found !== undefined && 'params' in found);
  assert.deepEqual(found.params, { token: 'a/b', name: 'c d.png' });
});

test('HEAD finds what GET would, and a known path says its methods', () => {
  assert.ok('handler' in (table().find('HEAD', '/media/a/b') ?? {}));
  assert.deepEqual(table().find('GET', '/hook'), { methods: ['POST'] });
});

test('more or fewer parts, or a broken encoding, find nothing', () => {
  for (const path of ['/media/a', '/media/a/b/c', '/media/a/%zz', '/', '', '/hook/'])
    assert.equal(table().find('GET', path), undefined, path);
});

// Scopes, events and manifest by feature: what Slack knows, enough for each event, and nothing for what was not chosen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { manifestFor, manifestYaml } from '../../../../bridges/slack/wire/manifest.ts';
import { eventsFor, features, scopesFor, usualFeatures } from '../../../../bridges/slack/wire/scopes.ts';
import { events, methods, otherScopes } from '../../../support/fake-slack/documented.ts';

const known = new Set([
  ...otherScopes,
  ...[...methods.values()].flatMap(({ scopes }) => [...scopes.bot, ...scopes.user]),
  ...[...events.values()].flatMap(({ scopes }) => scopes),
]);

test('every scope and event is one that Slack documents, and each event is covered by a scope', () => {
  const [scopes, heard] = [scopesFor(features), eventsFor(features)];
  for (const kind of ['bot', 'user'] as const) {
    assert.deepEqual(
      scopes[kind].filter((scope) => !known.has(scope)),
      [],
    );
    for (const name of heard[kind]) {
      const facts = events.get(name) ?? assert.fail(`${name} is not documented`);
      assert.ok(facts.scopes.length === 0 || facts.scopes.some((scope) => scopes[kind].includes(scope)), `${kind}: ${name}`);
    }
  }
});

test('what was not chosen is neither asked for nor heard', () => {
  const few = scopesFor(['relay']);
  assert.deepEqual(few.user, []);
  for (const scope of ['files:write', 'reactions:write', 'im:history', 'commands', 'channels:manage'])
    assert.equal(few.bot.includes(scope), false);
  assert.deepEqual(eventsFor(['relay', 'reactions']).user, []);
  assert.ok(eventsFor(usualFeatures).user.includes('reaction_added'));
  assert.equal(scopesFor(usualFeatures).user.includes('users:write'), false);
});

test('a manifest for Socket Mode names no address of ours but for the browser', () => {
  const manifest = manifestFor({
    name: 'Causeway',
    features: usualFeatures,
    isSocketMode: true,
    command: '/matrix',
    publicUrl: 'https://b.example/slack/',
  });
  assert.equal(manifest.settings?.socket_mode_enabled, true);
  assert.equal(manifest.settings?.event_subscriptions?.request_url, undefined);
  assert.deepEqual(manifest.oauth_config?.redirect_urls, ['https://b.example/slack/oauth/return']);
  assert.equal(manifest.features?.slash_commands?.[0]?.url, undefined);
  assert.deepEqual(load(manifestYaml(manifest)), JSON.parse(JSON.stringify(manifest)));
});

test('a manifest for HTTP names where Slack posts to', () => {
  const manifest = manifestFor({
    name: 'Causeway',
    features: ['relay', 'commands'],
    isSocketMode: false,
    command: '/matrix',
    publicUrl: 'https://b.example/slack',
  });
  assert.equal(manifest.settings?.event_subscriptions?.request_url, 'https://b.example/slack/events');
  assert.equal(manifest.settings?.interactivity?.request_url, 'https://b.example/slack/commands');
  assert.equal(manifest.features?.slash_commands?.[0]?.url, 'https://b.example/slack/commands');
  assert.deepEqual(Object.keys(manifest.oauth_config?.scopes ?? {}), ['bot']);
});

// Slack, as the catalogue of networks lists it.

import type { Network } from '#bridge-core';
import { SlackAdapter } from './adapter.ts';
import type { SlackBody } from './body.ts';
import { type SlackSettings, slackSettings } from './settings.ts';

export const slack: Network<SlackSettings, SlackBody> = {
  protocol: { id: 'slack', name: 'Slack' },
  settings: slackSettings,
  names: { ghosts: 'slack_{team}_{user}', aliases: 'slack_{team}_{channel}' },
  withoutPublicUrl:
    'people of Matrix have no pictures in Slack, nobody can log in or install the app by a page, and neither the Events API nor webhooks reach the bridge',
  forerunner: async () => (await import('./takeover/forerunner.ts')).matrixAppserviceSlack,
  create: (settings, tools) => new SlackAdapter(settings, tools),
};

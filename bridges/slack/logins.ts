// How a person comes to speak with their own account: by Slack's page in a browser, which is how it is meant; or by a token that they
// made themselves, where an app has no client id or the bridge no public address.

import { DeniedError, type LoginFlow, type LoginResult, type UserId } from '#bridge-core';
import { makeUserId } from './ids.ts';
import type { OAuth } from './oauth.ts';
import type { SlackSettings } from './settings.ts';
import type { Teams } from './teams.ts';
import { isRefusal } from './wire/faults.ts';
import type { WebApi } from './wire/web-api.ts';

export interface LoginParts {
  readonly settings: SlackSettings;
  readonly oauth: OAuth;
  readonly teams: Teams;
  readonly api: WebApi;
}

export function loginFlows(parts: LoginParts): LoginFlow[] {
  const { oauth, settings } = parts;
  const own = settings.teams.filter(({ id, app }) => app?.clientId !== undefined && oauth.isPossible(id));
  return [
    ...(oauth.isPossible() ? [browserFlow(oauth, 'browser', 'Log in to Slack in a browser', undefined)] : []),
    ...own.map(({ id }) => browserFlow(oauth, `browser-${id}`, `Log in to ${id} in a browser`, id)),
    tokenFlow(parts),
  ];
}

function browserFlow(oauth: OAuth, id: string, title: string, team: string | undefined): LoginFlow {
  return {
    id,
    title,
    async *run(user: UserId) {
      yield { open: await oauth.link({ user, what: 'login', team }) };
      // It goes on in the browser, whose return tells how it ended.
      return undefined;
    },
  };
}

function tokenFlow({ api, teams }: LoginParts): LoginFlow {
  return {
    id: 'token',
    title: 'Log in with a user token',
    async *run() {
      const answers = yield { ask: [{ name: 'token', title: 'A user token of Slack (xoxp-…)', secret: true }] };
      return await resultOf(api, teams, (answers.token ?? '').trim());
    },
  };
}

async function resultOf(api: WebApi, teams: Teams, token: string): Promise<LoginResult> {
  if (!/^xox[a-z]-[\w-]+$/.test(token)) throw new DeniedError('this is no token of Slack');
  const told = await api
    .caller({ token, scope: 'login' })
    .call('auth.test', {}, { patience: 10_000 })
    .catch((thrown) => {
      if (isRefusal(thrown)) throw new DeniedError('Slack does not take this token', 'NETWORK_LOGIN');
      throw thrown;
    });
  const team = teams.installedOf(told.team_id, told.enterprise_id);
  if (team === undefined) throw new DeniedError(`the bridge is not in ${told.team ?? 'this workspace'}`);
  if (told.user_id === undefined || told.bot_id !== undefined) throw new DeniedError("this is the token of a bot, not a person's");
  await team.users.load([told.user_id]);
  const name = `${team.users.person(told.user_id).name} on ${team.identity?.name ?? team.id}`;
  // It may be in use elsewhere: logging out here does not void it.
  return { account: makeUserId(team.id, told.user_id), network: team.id, name, credentials: { token, from: 'paste' } };
}

// Words of Slack's own for the bridge's admins: to bring the app into a workspace, and to make an app that may what was chosen.

import { type AdapterCommand, DeniedError, PermanentError, userId } from '#bridge-core';
import type { OAuth } from './oauth.ts';
import type { SlackSettings } from './settings.ts';
import { manifestFor, manifestYaml } from './wire/manifest.ts';

export interface AdminParts {
  readonly settings: SlackSettings;
  readonly oauth: OAuth;
  /** Of our pages; undefined without `public_url`. */
  readonly pages: string | undefined;
}

export function adminCommands({ settings, oauth, pages }: AdminParts): AdapterCommand[] {
  return [
    {
      ...{ name: 'install', usage: 'install', does: 'brings the bridge’s app into a workspace of yours', needs: 'admin' },
      async run({ user, isDirect }) {
        if (!isDirect) throw new DeniedError('ask me for that in a direct chat: the link is for you alone');
        if (!oauth.isPossible()) throw new DeniedError('that needs an `app` with client_id and client_secret, and a `public_url`');
        return `Open this within ten minutes, and agree: ${await oauth.link({ user, what: 'install' })}`;
      },
    },
    {
      ...{ name: 'oauth', usage: 'oauth @user:server [puppet]', needs: 'admin' },
      does: 'makes a link by which somebody else brings the app into a workspace, or logs in (puppet)',
      async run({ isDirect }, [user = '', what]) {
        if (!isDirect) throw new DeniedError('ask me for that in a direct chat: the link is for them alone');
        if (!oauth.isPossible()) throw new DeniedError('that needs an `app` with client_id and client_secret, and a `public_url`');
        if (!/^@[^\s:]+:\S+$/.test(user)) throw new PermanentError('BAD_REQUEST', 'for whom? Give their Matrix id');
        const isLogin = what !== undefined && what !== 'false';
        const link = await oauth.link({ user: userId(user), what: isLogin ? 'login' : 'install' });
        return `For ${user} to open within ten minutes, and agree: ${link}`;
      },
    },
    {
      ...{ name: 'manifest', usage: 'manifest', does: 'prints the manifest to make the app at Slack from', needs: 'admin' },
      async run() {
        const isSocketMode = settings.app?.appToken !== undefined || pages === undefined;
        const manifest = manifestFor({
          ...{ name: 'Matrix', features: settings.features, isSocketMode, command: '/matrix' },
          ...(pages !== undefined && { publicUrl: pages }),
        });
        return manifestYaml(manifest);
      },
    },
  ];
}

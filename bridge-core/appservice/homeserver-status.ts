// Is the homeserver there, does it know us, does it reach us: asked at start, after trouble, and by whoever waits for it.

import { randomUUID } from 'node:crypto';
import type { Logger } from '../adapter-tools.ts';
import { ConfigError, RetryableError, UnreachableError } from '../errors.ts';
import { domainOf, localpartOf, type UserId } from '../ids.ts';
import { isRecord, stringIn } from '../matrix-event.ts';
import type { Homeserver } from './homeserver.ts';
import { Refusal } from './homeserver-errors.ts';
import type { HomeserverHttp } from './homeserver-http.ts';

interface StatusOptions {
  readonly http: HomeserverHttp;
  readonly bot: UserId;
  readonly domain: string;
  readonly registrationId: string;
  readonly log: Logger;
}

export function makeStatus({ http, bot, domain, registrationId, log }: StatusOptions): Pick<Homeserver, 'check' | 'ping'> {
  let saidNoPing = false;
  const get = async (path: string): Promise<unknown> => http.parse('GET', path, await http.askNow('other', 'GET', path));

  return {
    check: async () => {
      const path = '/_matrix/client/versions';
      const answer = await http
        .askOpenly(path)
        .then((text) => http.parse('GET', path, text))
        .catch(notAHomeserver);
      const versions = isRecord(answer) ? answer.versions : undefined;
      if (!Array.isArray(versions)) throw new UnreachableError('HOMESERVER_UNREACHABLE', `${http.origin} does not answer as a homeserver`);

      let whoami: unknown;
      try {
        whoami = await get('/_matrix/client/v3/account/whoami');
      } catch (thrown) {
        if (thrown instanceof UnreachableError && thrown.code === 'HOMESERVER_TOKEN') throw await whyTokenIsRefused(thrown);
        throw thrown;
      }
      const user = isRecord(whoami) ? stringIn(whoami, 'user_id') : undefined;
      if (user === undefined) throw new UnreachableError('HOMESERVER_UNREACHABLE', `${http.origin}: whoami names no user`);
      if (user !== bot) throw otherUser(user as UserId);
      return { versions: versions.filter((version) => typeof version === 'string') };
    },

    ping: async () => {
      const path = `/_matrix/client/v1/appservice/${encodeURIComponent(registrationId)}/ping`;
      try {
        await http.askNow('other', 'POST', path, JSON.stringify({ transaction_id: randomUUID() }));
      } catch (thrown) {
        if (thrown instanceof Refusal && (thrown.status === 404 || thrown.status === 405 || thrown.errcode === 'M_UNRECOGNIZED')) {
          if (!saidNoPing) log.info({}, 'the homeserver has no ping: after a pause it may take minutes until it sends events again');
          saidNoPing = true;
          return;
        }
        if (thrown instanceof Refusal && thrown.errcode === 'M_URL_NOT_SET') {
          throw new ConfigError('REGISTRATION_MISMATCH', 'the homeserver has a registration of ours without url', thrown);
        }
        if (thrown instanceof Refusal && thrown.errcode === 'M_FORBIDDEN') {
          throw new ConfigError(
            'REGISTRATION_MISMATCH',
            `the homeserver knows our as_token under another id than ${registrationId}`,
            thrown,
          );
        }
        // It reached us, and sends already what it held back: that Synapse starts doing so but once (seen) is no failure of ours.
        if (thrown instanceof RetryableError && /M_CONNECTION_FAILED Already(Called|Cancelled)/.test(thrown.message)) return;
        // 502 and 504 here tell of the way from the homeserver to us; every other failure of the way there.
        if (thrown instanceof RetryableError && /M_(CONNECTION_FAILED|CONNECTION_TIMEOUT|BAD_STATUS)/.test(thrown.message)) {
          throw new RetryableError('HOMESERVER_UNREACHING', thrown.message, { cause: thrown });
        }
        throw thrown;
      }
    },
  };

  function otherUser(user: UserId): ConfigError {
    if (domainOf(user) !== domain) {
      return new ConfigError('HOMESERVER_DOMAIN', `the homeserver calls itself ${domainOf(user)}, homeserver.domain says ${domain}`);
    }
    return new ConfigError('REGISTRATION_MISMATCH', `as_token belongs to ${user}, not to the bridge's bot ${bot}`);
  }

  /** A wrong token and no registration at all look alike. That our bot's name is reserved or taken tells them apart, and that it is
   *  free; Synapse as it comes, where nobody may register, says none of these before the bot has been there once. */
  async function whyTokenIsRefused(refusal: UnreachableError): Promise<ConfigError> {
    const [name, profile] = await Promise.all([
      known(`/_matrix/client/v3/register/available?username=${encodeURIComponent(localpartOf(bot))}`),
      known(`/_matrix/client/v3/profile/${encodeURIComponent(bot)}`),
    ]);
    if (name === 'M_EXCLUSIVE' || name === 'M_USER_IN_USE' || profile === 'yes')
      return new ConfigError('HOMESERVER_TOKEN', `the homeserver knows ${bot}, but not the as_token of this registration`, refusal);
    if (name === 'yes')
      return new ConfigError('HOMESERVER_NOT_REGISTERED', `the homeserver knows neither ${bot} nor its as_token`, refusal);
    return new ConfigError(
      'HOMESERVER_TOKEN',
      `the homeserver does not know the as_token of this registration. Either its config does not name the registration file (or it was not restarted since): add it; or it has another one of ${bot}, with other tokens: give it this one`,
      refusal,
    );
  }

  async function known(path: string): Promise<string | undefined> {
    try {
      await http.askOpenly(path);
      return 'yes';
    } catch (thrown) {
      return thrown instanceof Refusal ? thrown.errcode : undefined;
    }
  }

  function notAHomeserver(thrown: unknown): never {
    if (thrown instanceof UnreachableError) throw thrown;
    throw new UnreachableError('HOMESERVER_UNREACHABLE', `${http.origin} does not answer as a homeserver`, { cause: thrown });
  }
}

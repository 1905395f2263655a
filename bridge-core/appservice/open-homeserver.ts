// Puts the homeserver's face together from its parts: sends, rooms, people, media, and what is asked of the homeserver itself,
// all over one gate and one Agent.

import type { UserId } from '../ids.ts';
import type { Homeserver } from './homeserver.ts';
import { makeDirectory } from './homeserver-directory.ts';
import { HomeserverHttp, type HomeserverHttpOptions } from './homeserver-http.ts';
import { Library } from './homeserver-library.ts';
import { makeMedia } from './homeserver-media.ts';
import { makePeople } from './homeserver-people.ts';
import { makeRooms } from './homeserver-rooms.ts';
import { makeSends, type TokenOf } from './homeserver-sends.ts';
import { makeStatus } from './homeserver-status.ts';

export interface HomeserverOptions extends HomeserverHttpOptions {
  readonly domain: string;
  readonly bot: UserId;
  readonly registrationId: string;
  /** People whom we speak as by tokens of their own; all others are spoken for by ours. */
  readonly tokenOf?: TokenOf | undefined;
}

export function openHomeserver(options: HomeserverOptions): Homeserver {
  const { domain, bot } = options;
  const http = new HomeserverHttp(options);
  const library = new Library({ http, bot, domain });
  const media = makeMedia(http);
  return {
    domain,
    bot,
    ...makeSends(http, options.tokenOf),
    ...makeRooms({ http, library, bot }),
    ...makeDirectory({ http, bot }),
    ...makePeople({ http, library, tokenOf: options.tokenOf }),
    ...makeStatus({ ...options, http }),
    upload: media.upload,
    download: media.download,
    largestUpload: media.largestUpload,
    load: () => ({ inFlight: http.gate.active, waiting: http.gate.waiting }),
    warm: () => library.warm(),
    close: async () => {
      library.close();
      await Promise.all([http.close(), media.close()]);
    },
  };
}

// m.bridge state (MSC2346), for clients to show where a room leads; in its older name too, which most of them read. Written
// only when it says something new, and not while who is in the room may not know what the channel is called.

import { createHash } from 'node:crypto';
import type { Channels } from '../adapter.ts';
import type { Logger } from '../adapter-tools.ts';
import type { Homeserver } from '../appservice/homeserver.ts';
import { messageOf, RetryableError } from '../errors.ts';
import type { ChannelId } from '../ids.ts';
import type { Content } from '../matrix-event.ts';
import { isNameless } from './described.ts';
import { isVeiled } from './kept-back.ts';
import type { Link, Links } from './links.ts';

export const infoTypes = ['m.bridge', 'uk.half-shot.bridge'] as const;

export class BridgeInfo {
  readonly #homeserver: Pick<Homeserver, 'bot' | 'setState'>;
  readonly #links: Links;
  readonly #channels: Pick<Channels, 'describe'>;
  readonly #protocol: { readonly id: string; readonly name: string; readonly icon?: string };
  readonly #log: Logger;

  constructor(given: {
    homeserver: Pick<Homeserver, 'bot' | 'setState'>;
    links: Links;
    channels: Pick<Channels, 'describe'>;
    protocol: { readonly id: string; readonly name: string; readonly icon?: string };
    log: Logger;
  }) {
    this.#homeserver = given.homeserver;
    this.#links = given.links;
    this.#channels = given.channels;
    this.#protocol = given.protocol;
    this.#log = given.log;
    given.links.onChange(({ link, was }) => {
      if (link?.state !== 'live' || was === undefined || !isVeiled(was) || isVeiled(link)) return;
      // The next start writes what could not be written now.
      this.publish(link).catch((thrown) => given.log.info({ room: link.room, why: messageOf(thrown) }, 'bridge info not written'));
    });
  }

  keyOf(channel: ChannelId): string {
    const { network, id } = this.#channels.describe(channel);
    const path = [network.id, id.slice(id.indexOf('/') + 1)].map((part) => part.replaceAll('/', '%2F'));
    return `dev.causeway://${this.#protocol.id}/${path.join('/')}`;
  }

  contentFor(link: Link): Content {
    const { name, network, url } = this.#channels.describe(link.channel);
    const { id, name: displayname, icon } = this.#protocol;
    return {
      bridgebot: this.#homeserver.bot,
      ...(link.requester !== undefined && { creator: link.requester }),
      protocol: { id, displayname, ...(icon?.startsWith('mxc://') && { avatar_url: icon }) },
      network: { id: network.id, displayname: network.name },
      channel: {
        id: link.channel.slice(link.channel.indexOf('/') + 1),
        displayname: name,
        ...(url !== undefined && { external_url: url }),
      },
    };
  }

  /** A room that does not let us write it is no failure: nothing but the picture in clients depends on it. */
  async publish(link: Link): Promise<void> {
    if (isNameless(this.#channels, link)) return;
    // What stands there is better than an id.
    if (link.options.info !== undefined && this.#channels.describe(link.channel).isUnknown === true) return;
    const content = this.contentFor(link);
    const info = createHash('sha256')
      .update(`${link.room} ${JSON.stringify(content)}`)
      .digest('base64url')
      .slice(0, 16);
    if (link.options.info === info) return;
    if (await this.#write(link, content)) await this.#links.setOptions(link.id, { info });
  }

  async withdraw(link: Link): Promise<void> {
    if (link.options.info !== undefined) await this.#write(link, {});
  }

  async #write(link: Link, content: Content): Promise<boolean> {
    try {
      for (const type of infoTypes)
        await this.#homeserver.setState(this.#homeserver.bot, link.room, type, this.keyOf(link.channel), content);
      return true;
    } catch (thrown) {
      if (thrown instanceof RetryableError) throw thrown;
      this.#log.debug({ room: link.room, channel: link.channel, err: thrown }, 'the bridge info could not be written');
      return false;
    }
  }
}

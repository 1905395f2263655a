// What an address of ours says of a file of the homeserver's, in few bytes: which server, which file, and whose redaction ends it.
// Who gives out such an address signs it.

export const macBytes = 16;
export const eventBytes = 9;

export interface Named {
  readonly server: string;
  readonly media: string;
  /** A digest of the event, or nothing. */
  readonly event: string;
}

export function parseMxc(mxc: string): { server: string; media: string } | undefined {
  // A name of more than a token has room for would be another server's when cut.
  const id = /^mxc:\/\/([\w.:[\]-]{1,127})\/([\w.~-]+)$/.exec(mxc);
  return id === null ? undefined : { server: id[1] ?? '', media: id[2] ?? '' };
}

/** One byte: length of the server's name, 0 for our own, top bit: an event's digest follows; then these, then the media id. */
export function pack({ server, media, event }: Named, domain: string): Buffer {
  const name = Buffer.from(server === domain ? '' : server);
  const digest = Buffer.from(event, 'base64url');
  return Buffer.concat([Buffer.from([name.length | (digest.length > 0 ? 0x80 : 0)]), digest, name, Buffer.from(media)]);
}

export function unpack(payload: Buffer, domain: string): Named {
  const [first = 0] = payload;
  const afterEvent = 1 + (first >= 0x80 ? eventBytes : 0);
  const afterServer = afterEvent + (first & 0x7f);
  return {
    event: payload.subarray(1, afterEvent).toString('base64url'),
    server: payload.subarray(afterEvent, afterServer).toString() || domain,
    media: payload.subarray(afterServer).toString(),
  };
}

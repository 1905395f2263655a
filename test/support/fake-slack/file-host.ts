// Bytes over plain HTTP: the upload address of a file, files.slack.com's private addresses (a token in the Authorization header, or one is
// sent to a login page, as docs.slack.dev/reference/objects/file-object warns), avatars and emoji, which anybody may fetch.

import { parts } from './args.ts';
import type { Files } from './files.ts';
import { type Answer, type Asked, bearer, html, redirect, text } from './http.ts';
import { maySeeFile } from './methods/files.ts';
import { squarePng } from './png.ts';
import { grants } from './scopes.ts';
import type { World } from './world.ts';

export class FileHost {
  readonly #world: World;
  readonly #files: Files;

  constructor(world: World, files: Files) {
    this.#world = world;
    this.#files = files;
  }

  /** Multipart or bare, as Slack takes both; a length that differs from the announced one is refused (unverified). */
  upload({ url, headers, body }: Asked): Answer {
    const id = url.pathname.split('/').at(-1)?.split('-')[0] ?? '';
    const file = this.#world.files.get(id);
    if (file === undefined || file.isShared) return text('not found', 404);
    const type = headers['content-type'] ?? '';
    const bytes = type.startsWith('multipart/') ? (parts(type, body)[0]?.content ?? Buffer.alloc(0)) : body;
    if (bytes.length !== file.announcedSize) return text('length mismatch', 400);
    this.#files.receive(file, bytes);
    return text(`OK - ${bytes.length}`);
  }

  download({ url, headers }: Asked): Answer {
    const [, , place = ''] = url.pathname.split('/');
    const file = this.#world.files.get(place.split('-')[1] ?? '');
    const token = this.#world.tokens.get(bearer(headers) ?? '');
    const reader = token?.user;
    const team = token?.team ?? file?.team;
    const isSignedIn =
      token !== undefined && this.#world.isLive(token) && grants(token, 'files:read') && reader !== undefined && team !== undefined;
    if (!isSignedIn) return redirect(`${this.#world.origin}/?redir=${encodeURIComponent(url.pathname)}`);
    if (file === undefined || file.isDeleted || !maySeeFile({ user: reader, team }, file)) return html('<h1>404</h1>', 404);
    const bytes = file.bytes ?? Buffer.alloc(0);
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
    if (range === null) return { status: 200, headers: { 'content-type': file.mimetype, 'accept-ranges': 'bytes' }, body: bytes };
    const [from, to] = [Number(range[1]), range[2] === '' ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1)];
    return {
      status: 206,
      headers: { 'content-type': file.mimetype, 'content-range': `bytes ${from}-${to}/${bytes.length}` },
      body: bytes.subarray(from, to + 1),
    };
  }

  login(): Answer {
    return html('<!doctype html><title>Sign in | Slack</title><h1>Sign in to your workspace</h1>');
  }

  avatar({ url }: Asked): Answer {
    const name = url.pathname.split('/').at(-1) ?? '';
    const [id = '', hash = '', size = ''] = name.replace('.png', '').split('-');
    const picture = this.#world.users.get(id)?.avatar;
    if (picture?.hash === hash) return { status: 200, headers: { 'content-type': picture.type }, body: picture.bytes };
    return { status: 200, headers: { 'content-type': 'image/png' }, body: squarePng(id, Math.min(Number(size) || 48, 192)) };
  }

  emoji({ url }: Asked): Answer {
    return { status: 200, headers: { 'content-type': 'image/png' }, body: squarePng(url.pathname, 64) };
  }
}

// Pictures of people and communities: what somebody set, else a square of a colour of their own.

import { squarePng } from '../fake-slack/png.ts';
import { type Answer, html } from './http.ts';
import type { World } from './world.ts';

/** `/avatars/g/u/USER/VERSION?s=60`, `/avatars/group/i/GROUP`. */
export function picture(world: World, url: URL): Answer {
  const [, , kind, , id = '', version] = url.pathname.split('/');
  const user = kind === 'g' ? world.users.get(id) : undefined;
  if (kind === 'g' && user === undefined) return html('<h1>404</h1>', 404);
  const bytes = user?.avatar.bytes ?? squarePng(`${id} ${version}`, Number(url.searchParams.get('s')) || 128);
  return { status: 200, headers: { 'content-type': 'image/png' }, body: bytes };
}

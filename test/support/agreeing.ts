// A person at one of the bridge's asking pages, without a browser: reads it, and goes on.

const borne = (answer: Response): string[] => answer.headers.getSetCookie().map((each) => each.split(';')[0] ?? '');

/** Where that leads, and what the browser bears from then on. */
export async function agree(address: string) {
  const asked = await fetch(address, { redirect: 'manual' });
  const text = await asked.text();
  if (asked.status !== 200) return { status: asked.status, location: '', cookie: '', text };
  const cookies = borne(asked);
  const body = new URLSearchParams({ browser: /name="browser" value="([^"]+)"/.exec(text)?.[1] ?? '' });
  const answer = await fetch(address, { method: 'POST', redirect: 'manual', headers: { cookie: cookies.join('; ') }, body });
  const cookie = [...cookies, ...borne(answer)].join('; ');
  return { status: answer.status, location: answer.headers.get('location') ?? '', cookie, text };
}

// A person at one of the bridge's asking pages, without a browser: reads it, and goes on.

/** Where that leads, and what the browser bears from then on. */
export async function agree(address: string) {
  const asked = await fetch(address, { redirect: 'manual' });
  const text = await asked.text();
  const cookie = asked.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const body = new URLSearchParams({ browser: /name="browser" value="([^"]+)"/.exec(text)?.[1] ?? '' });
  const answer = await fetch(address, { method: 'POST', redirect: 'manual', headers: { cookie }, body });
  return { status: answer.status, location: answer.headers.get('location') ?? '', cookie, text };
}

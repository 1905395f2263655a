// Asks the bridge in this container whether it is alive. HEALTH_URL, where it listens on another port than 9999.

const url = process.env.HEALTH_URL ?? 'http://127.0.0.1:9999/health';
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}

// The shared ticker of quiet connections: each stops reading after a read, and all resume together at the end of a slice. So a
// line that a thousand puppets hear costs one wake-up of each for everything said within the slice, not one for every line.

interface Paused {
  resume(): void;
}

/** ms. What this delays: private messages to puppets, KICKs and PINGs of the server, none of which is in a hurry. */
const slice = 250;

let paused: Paused[] = [];

export function resumeLater(connection: Paused): void {
  if (paused.length === 0) setTimeout(resumeAll, slice);
  paused.push(connection);
}

function resumeAll(): void {
  const now = paused;
  paused = [];
  for (const connection of now) connection.resume();
}

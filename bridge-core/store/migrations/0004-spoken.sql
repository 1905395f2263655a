-- membership/spoken: when each ghost was last heard in a room, where that counts
CREATE TABLE spoken (
  room TEXT NOT NULL,
  ghost TEXT NOT NULL,
  seen INTEGER NOT NULL,                 -- in the room, or in its channel, since
  spoke INTEGER NOT NULL,                -- 0: never
  PRIMARY KEY (room, ghost)
) WITHOUT ROWID;

-- virtual-users/adopted: ghosts that another bridge made and that are ours now. `id`: what names.ts would call whom each stands for;
-- null: nobody is shown by it any more, and it leaves the rooms that it is in. Written by take-over.ts alone
CREATE TABLE adopted (ghost TEXT PRIMARY KEY, id TEXT UNIQUE) WITHOUT ROWID;

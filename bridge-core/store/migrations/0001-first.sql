-- Every table has one writer; it is named beside it. Times are ms since 1970, days are days since 1970.

-- store.ts: the store's random id, the number of this run, notes of parts too small for a table
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- appservice/transactions: a transaction is a repeat only if its id and the digest of its event ids both match
CREATE TABLE transactions (id TEXT PRIMARY KEY, digest BLOB NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID;

-- pipeline/journal: one event for one link, accepted and not yet delivered. AUTOINCREMENT: a number never comes twice, for
-- it is part of the key that the homeserver remembers
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  direction INTEGER NOT NULL,            -- 0 towards Matrix, 1 towards the network
  lane TEXT NOT NULL,
  link INTEGER NOT NULL,                 -- 0: none (commands, invites)
  source TEXT NOT NULL,
  event TEXT NOT NULL,                   -- JSON
  state INTEGER NOT NULL DEFAULT 0,      -- 0 waiting, 1 begun, 2 parked, 3 dead
  progress TEXT,                         -- JSON: printed bodies, ids of the parts proved
  attempts INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,                   -- taken in
  run INTEGER NOT NULL,                  -- the run that took it in: rows of an earlier one have an unknown outcome
  error TEXT
);

-- What an edit or a reply points at may still be in here.
CREATE INDEX journal_source ON journal (source) WHERE source != '';

-- pipeline/journal: the seen ledger. id = 12 bytes of SHA-256 over direction, link and source id
CREATE TABLE seen (id BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;

-- pipeline/relations: what an edit, reply, reaction or redaction points at
CREATE TABLE relations (
  event TEXT NOT NULL,
  link INTEGER NOT NULL,
  part INTEGER NOT NULL,
  remote TEXT,                           -- null: the network gives no ids
  kind INTEGER NOT NULL,                 -- 0 message, 1 reaction
  sender TEXT NOT NULL,                  -- the Matrix user who sent the event (a ghost, for what the network said)
  author TEXT,                           -- the RemoteUserId who said it there
  emoji TEXT,
  text TEXT,                             -- the first 500 characters, for quotes and for edits shown as text
  at INTEGER NOT NULL,
  PRIMARY KEY (event, link, part)
) WITHOUT ROWID;
CREATE INDEX relations_remote ON relations (link, remote) WHERE remote IS NOT NULL;
CREATE INDEX relations_at ON relations (at);

-- plumbing/links
CREATE TABLE links (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  room TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,                  -- config, command
  requester TEXT,
  state TEXT NOT NULL,                   -- pending, live, suspended
  claim TEXT NOT NULL,                   -- none, pending, success: our m.room.bridging state as last confirmed
  reason TEXT,                           -- why it is suspended
  options TEXT NOT NULL DEFAULT '{}',
  at INTEGER NOT NULL,
  UNIQUE (room, channel)
);

-- virtual-users/ghosts: registered ghosts and the profile last written
CREATE TABLE ghosts (id TEXT PRIMARY KEY, remote TEXT NOT NULL, name TEXT, avatar TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX ghosts_remote ON ghosts (remote);

-- membership/roster: who is known to be where
CREATE TABLE roster (room TEXT NOT NULL, user TEXT NOT NULL, membership TEXT NOT NULL, name TEXT, PRIMARY KEY (room, user)) WITHOUT ROWID;

-- AdapterTools.memory
CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- appservice/pages, appservice/media
CREATE TABLE pages (id TEXT PRIMARY KEY, room TEXT NOT NULL, event TEXT NOT NULL, title TEXT NOT NULL, html TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX pages_event ON pages (event);
CREATE TABLE revoked_media (event TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

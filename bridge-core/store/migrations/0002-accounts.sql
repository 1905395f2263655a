-- People's own accounts, rooms made for channels and chats, and what was heard last. As before, the one writer is named.

-- virtual-users/logins: an account is logged in once; `sealed` holds its credentials
CREATE TABLE logins (
  account TEXT PRIMARY KEY,              -- RemoteUserId
  user TEXT NOT NULL,
  network TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  state TEXT NOT NULL,                   -- live, refused: the network no longer takes it
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX logins_user ON logins (user);

-- virtual-users/sealed-secrets: AdapterTools.secrets
CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed TEXT NOT NULL) WITHOUT ROWID;

-- virtual-users/doubles: access tokens that people gave, so that they are shown as themselves
CREATE TABLE doubles (
  user TEXT PRIMARY KEY,
  sealed TEXT NOT NULL,
  state TEXT NOT NULL,                   -- live, refusing: the homeserver no longer takes it, and its owner is still to be told
  at INTEGER NOT NULL
) WITHOUT ROWID;

-- control/web-sessions: page sessions and single-use states; `id` is the SHA-256 of what the browser holds
CREATE TABLE web_sessions (id BLOB PRIMARY KEY, user TEXT NOT NULL, purpose TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;

-- control/requests: links that one side asked for and the other has not agreed to yet
CREATE TABLE requests (
  room TEXT NOT NULL,
  channel TEXT NOT NULL,
  requester TEXT NOT NULL,               -- a UserId, or a RemoteUserId where the network's side asked
  side TEXT NOT NULL,                    -- matrix, network: who asked
  at INTEGER NOT NULL,
  PRIMARY KEY (room, channel)
) WITHOUT ROWID;

-- pipeline/heard: what was taken in last from each channel, for networks that can be asked for what was missed
CREATE TABLE heard (channel TEXT PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;

-- appservice/brought: pictures and files of the network's that the homeserver has already
CREATE TABLE brought (source TEXT PRIMARY KEY, mxc TEXT NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID;

-- membership/roster
ALTER TABLE roster ADD COLUMN avatar TEXT;

-- pipeline/relations: a message that became several events
ALTER TABLE relations ADD COLUMN slot TEXT;      -- which of them this is, as pipeline/slots.ts says; null: text
ALTER TABLE relations ADD COLUMN digest TEXT;    -- of what it says, where `text` does not tell all of it
ALTER TABLE relations ADD COLUMN thread TEXT;    -- the event that its thread began with
CREATE INDEX relations_thread ON relations (link, thread, at) WHERE thread IS NOT NULL;

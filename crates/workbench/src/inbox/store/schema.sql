-- The inbox's database, version 1. Times are milliseconds since 1970; `number` is the order of acceptance and is never
-- given twice.

-- Which inbox this is: one row, a random text.
CREATE TABLE inbox (
  id TEXT NOT NULL
) STRICT;

-- What was acknowledged.
CREATE TABLE event (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  received_ms INTEGER NOT NULL,
  -- By what a repetition is recognised: a hash of what the callback is about, with its webhook-id or else its content.
  identity BLOB NOT NULL CHECK (length(identity) = 32),
  -- Of corrections and job states without a webhook-id: what they are a state of. Only the newest state is compared.
  state_of BLOB CHECK (length(state_of) = 32),
  event_id TEXT,
  send INTEGER,
  kind INTEGER CHECK (kind BETWEEN 0 AND 3),
  company_id INTEGER,
  entity_id INTEGER,
  -- The call or job whose callbacks are handed on one after the other; NULL where there is none.
  order_key TEXT,
  -- The place within its key: a webhook-id of ringback, else the largest one before it, or nothing.
  place TEXT NOT NULL,
  -- A newer callback of its key had been accepted before it.
  stale INTEGER NOT NULL CHECK (stale IN (0, 1)),
  verified INTEGER NOT NULL CHECK (verified IN (0, 1)),
  verification TEXT NOT NULL,
  path TEXT NOT NULL,
  content_type TEXT,
  -- JSON: a list of names and values, in the order in which they came.
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  -- The callback's JSON text, where it is not the body itself.
  content BLOB,
  repeats INTEGER NOT NULL DEFAULT 0,
  -- Repetitions with another body.
  differing INTEGER NOT NULL DEFAULT 0,
  repeated_ms INTEGER
) STRICT;
CREATE INDEX event_by_identity ON event (identity);
-- For people who look one up; an inbox that was made without it is looked through.
CREATE INDEX event_by_event_id ON event (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX event_by_state ON event (state_of, number) WHERE state_of IS NOT NULL;
CREATE INDEX event_by_key ON event (order_key, place, kind) WHERE order_key IS NOT NULL;
CREATE INDEX event_by_entity ON event (entity_id) WHERE entity_id IS NOT NULL;
CREATE INDEX event_stale ON event (number) WHERE stale = 1;

-- One callback on its way to one outlet.
CREATE TABLE handover (
  number INTEGER NOT NULL,
  outlet INTEGER NOT NULL CHECK (outlet BETWEEN 0 AND 3),
  -- 0 pending, 1 confirmed, 2 given up, 3 dropped as stale, 4 let go by a person.
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  order_key TEXT,
  place TEXT NOT NULL,
  -- When it is tried next; NULL while it waits for an earlier one of its key, and once it is settled.
  due_ms INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  failed_since_ms INTEGER,
  failure TEXT,
  settled_ms INTEGER,
  redriven INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (number, outlet),
  CHECK (state = 0 OR due_ms IS NULL),
  CHECK ((state = 0) = (settled_ms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX handover_due ON handover (outlet, due_ms, number) WHERE due_ms IS NOT NULL;
CREATE INDEX handover_pending ON handover (outlet, order_key, place, number) WHERE state = 0;
CREATE INDEX handover_given_up ON handover (outlet, number) WHERE state = 2;

-- The outlets that were ever in use: callbacks up to this number have their row in `handover`.
CREATE TABLE outlet (
  outlet INTEGER PRIMARY KEY CHECK (outlet BETWEEN 0 AND 3),
  upto INTEGER NOT NULL
) STRICT;

-- How long each file is of which every line is confirmed.
CREATE TABLE file (
  name TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

-- What was not acknowledged; the last ones only.
CREATE TABLE refused (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  received_ms INTEGER NOT NULL,
  status INTEGER NOT NULL,
  why TEXT NOT NULL,
  event_id TEXT,
  verification TEXT NOT NULL,
  path TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  body_bytes INTEGER NOT NULL
) STRICT;

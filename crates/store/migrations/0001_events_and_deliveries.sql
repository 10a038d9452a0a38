-- Companies, endpoints, events, deliveries and their attempts.
--
-- The page size (8 kB) and auto_vacuum (incremental) are settled when the file is made, before this runs. Times are
-- engine milliseconds unless their name says wall. Ids of events and deliveries are rising numbers that hold their time.
-- References are declared for the reader and checked by tests; at run time the rules keep them.

-- One row: what this store made for itself.
CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    phone_key BLOB NOT NULL CHECK (length(phone_key) = 32),
    -- The time of the last commit that gave no id: engine time begins no earlier.
    newest_ms INTEGER NOT NULL DEFAULT 0,
    -- How often it was proved that the store can be written, after a failed commit.
    proofs INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO store (only_row, phone_key) VALUES (1, randomblob(32));

CREATE TABLE company (
    company_id INTEGER PRIMARY KEY,
    settings TEXT NOT NULL CHECK (json_valid(settings))
) STRICT;

-- Rows are never deleted, so that numbers are never used again.
CREATE TABLE endpoint (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    sweeping INTEGER NOT NULL CHECK (sweeping IN (0, 1)),
    -- How far the sweep has come.
    swept_key_class INTEGER,
    swept_key_id INTEGER,
    swept_delivery_id INTEGER,
    CHECK ((swept_key_class IS NULL) = (swept_delivery_id IS NULL)),
    CHECK ((swept_key_id IS NULL) = (swept_delivery_id IS NULL)),
    CHECK (swept_delivery_id IS NULL OR sweeping = 1)
) STRICT;

CREATE UNIQUE INDEX endpoint_name ON endpoint (company_id, name) WHERE deleted = 0;

-- kind: 0 call, 1 correction, 2 inbound, 3 job.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES company,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    entity_id INTEGER NOT NULL,
    call_job_id INTEGER,
    job_status INTEGER,
    phone_hash INTEGER,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    accepted_wall_ms INTEGER NOT NULL,
    body_bytes INTEGER NOT NULL,
    idempotency_route TEXT,
    idempotency_key TEXT,
    CHECK ((idempotency_route IS NULL) = (idempotency_key IS NULL))
) STRICT;

-- Also: the newest event of a company, kind and id, by which repetitions are recognised.
CREATE INDEX event_entity ON event (company_id, entity_id, kind);
CREATE INDEX event_job ON event (company_id, call_job_id) WHERE call_job_id IS NOT NULL;
CREATE INDEX event_phone ON event (phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX event_company ON event (company_id);
CREATE UNIQUE INDEX event_idempotency ON event (company_id, idempotency_route, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Bodies have a table of their own, so that a search that looks at thousands of events does not read past them.
-- encoding: 0 plain.
CREATE TABLE body (
    event_id INTEGER PRIMARY KEY REFERENCES event,
    encoding INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- state: 0 pending, 1 delivered, 2 exhausted, 3 parked, 4 cancelled.
-- key_class: 0 callInstanceId, 1 inboundInstanceId, 2 callJobId.
-- last_outcome: 0 acknowledged, 1 not acknowledged, 2 refused, 3 unreachable, 4 timed out, 5 blocked.
-- profile: 0 v1.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL REFERENCES event,
    company_id INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    key_class INTEGER NOT NULL CHECK (key_class BETWEEN 0 AND 2),
    key_id INTEGER NOT NULL,
    endpoint_id INTEGER REFERENCES endpoint,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    due_ms INTEGER,
    age_ms INTEGER NOT NULL CHECK (age_ms >= 0),
    age_since_ms INTEGER,
    sends INTEGER NOT NULL CHECK (sends >= 0),
    last_outcome INTEGER CHECK (last_outcome BETWEEN 0 AND 5),
    settled_ms INTEGER,
    resend_of INTEGER REFERENCES delivery,
    profile INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    -- While a job's final status is held: until when at the latest, and when to look whether it may go.
    hold_until_ms INTEGER,
    hold_check_ms INTEGER,
    -- Of a call, where the company has an endpoint that holds: the job whose final status it holds while it is pending.
    hold_job_id INTEGER,
    -- Only what is parked, or was cancelled while it was, has no endpoint.
    CHECK (endpoint_id IS NOT NULL OR state IN (3, 4)),
    -- What is settled is never due.
    CHECK (due_ms IS NULL OR state IN (0, 3)),
    -- Only jobs are held, and only at the head of their key: pending, without a due time.
    CHECK (hold_until_ms IS NULL OR (state = 0 AND due_ms IS NULL AND kind = 3)),
    CHECK ((hold_check_ms IS NULL) = (hold_until_ms IS NULL)),
    CHECK (hold_check_ms <= hold_until_ms),
    CHECK (hold_job_id IS NULL OR kind = 0),
    -- The maximum age counts exactly while the delivery is pending, is not held and does not wait for the head of its key.
    CHECK ((age_since_ms IS NOT NULL) = (state = 0 AND due_ms IS NOT NULL)),
    -- Settled or open. (A list of more than two is a temporary table in each check.)
    CHECK ((settled_ms IS NULL) = (state IN (0, 3))),
    CHECK ((last_outcome IS NOT NULL) = (sends > 0)),
    -- Delivered means that a send was acknowledged.
    CHECK (state <> 1 OR (sends > 0 AND last_outcome = 0))
) STRICT;

CREATE INDEX delivery_event ON delivery (event_id);
CREATE INDEX delivery_company ON delivery (company_id);
-- What is sent next.
CREATE INDEX delivery_due ON delivery (endpoint_id, due_ms, id) WHERE state = 0 AND due_ms IS NOT NULL;
-- What is open, in the order of the sweep: the head of a key is the first of it.
CREATE INDEX delivery_open ON delivery (endpoint_id, key_class, key_id, id)
    WHERE state IN (0, 3) AND endpoint_id IS NOT NULL;
-- What is held, by when to look.
CREATE INDEX delivery_hold ON delivery (hold_check_ms) WHERE hold_check_ms IS NOT NULL;
-- The open calls of a job that hold its final status.
CREATE INDEX delivery_open_call ON delivery (company_id, hold_job_id) WHERE state = 0 AND hold_job_id IS NOT NULL;
-- For counting. On the straight way no delivery is ever in these two.
CREATE INDEX delivery_waiting ON delivery (endpoint_id) WHERE state = 0 AND due_ms IS NULL;
CREATE INDEX delivery_parked ON delivery (endpoint_id) WHERE state = 3 AND endpoint_id IS NOT NULL;
-- What did not arrive, for the searches that ask for it.
CREATE INDEX delivery_exhausted_or_parked ON delivery (company_id, state) WHERE state IN (2, 3);

-- Finished sends.
CREATE TABLE attempt (
    delivery_id INTEGER NOT NULL REFERENCES delivery,
    n INTEGER NOT NULL CHECK (n > 0),
    started_wall_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 5),
    status INTEGER,
    address TEXT,
    detail TEXT,
    body_start BLOB NOT NULL,
    PRIMARY KEY (delivery_id, n)
) STRICT, WITHOUT ROWID;

-- Replays: what is sent once more by a filter, and how far it has come. Everything that one looks at has a smaller id.
-- state: 0 running, 1 paused, 2 done, 3 cancelled.
CREATE TABLE replay (
    id INTEGER PRIMARY KEY,
    spec TEXT NOT NULL CHECK (json_valid(spec)),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    counts TEXT NOT NULL CHECK (json_valid(counts)),
    cursor INTEGER NOT NULL CHECK (cursor < id),
    ended_ms INTEGER,
    CHECK ((ended_ms IS NOT NULL) = (state >= 2))
) STRICT;

CREATE INDEX replay_open ON replay (state) WHERE state < 2;

-- Bearer tokens: the hash only.
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- scope: 0 operator (for all companies), 1 intake, 2 tenant (for one), 3 read-only.
    scope INTEGER NOT NULL CHECK (scope BETWEEN 0 AND 3),
    company_id INTEGER,
    created_wall_ms INTEGER NOT NULL,
    expires_wall_ms INTEGER,
    last_used_wall_ms INTEGER,
    CHECK (scope <> 0 OR company_id IS NULL),
    CHECK (scope <> 2 OR company_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

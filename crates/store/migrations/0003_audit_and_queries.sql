-- The audit log: who changed what. An entry is written in the transaction of its change; its id holds the time of that.
--
-- actor_id: the id of a token, or operator-token, or service. action: see ringback_core::audit::Action.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    peer TEXT,
    at_wall_ms INTEGER NOT NULL,
    action INTEGER NOT NULL CHECK (action >= 0),
    company_id INTEGER,
    object TEXT NOT NULL,
    before_json TEXT CHECK (before_json IS NULL OR json_valid(before_json)),
    after_json TEXT CHECK (after_json IS NULL OR json_valid(after_json))
) STRICT;

CREATE INDEX audit_company ON audit (company_id) WHERE company_id IS NOT NULL;

-- What has not arrived although it was tried, or cannot be tried, for the failed-callback query: by company, kind and event,
-- which holds the time. A delivery that is acknowledged at its first send is never in it.
CREATE INDEX delivery_missed ON delivery (company_id, kind, event_id)
    WHERE state IN (2, 3) OR (state = 0 AND sends > 0);

-- Requests per second that a token may make, where that differs from the configuration.
ALTER TABLE token ADD COLUMN rate_limit INTEGER CHECK (rate_limit > 0);

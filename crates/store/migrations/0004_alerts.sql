-- Alerts, and the index by which the oldest delivery of an endpoint is found.

-- What is open, and the newest that have ended. The alert is JSON: nobody searches in it.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    ended_ms INTEGER,
    alert TEXT NOT NULL CHECK (json_valid(alert))
) STRICT;

-- The delivery whose age began first, time in which it stood aside. On the straight way no delivery is ever in it: what is
-- acknowledged at the first send was never pending with a send behind it.
CREATE INDEX delivery_oldest ON delivery (endpoint_id, (age_since_ms - age_ms), id)
    WHERE state = 0 AND due_ms IS NOT NULL AND sends > 0;

-- Deliveries are found by their place instead of by two indexes, which each event paid for.
--
-- The deliveries that are made with an event follow it: their ids are the next ones after the event's, and no delivery of
-- another event lies between. Only those that are made later, by a resend or a replay, are noted here.
CREATE TABLE later_delivery (
    event_id INTEGER NOT NULL REFERENCES event,
    delivery_id INTEGER NOT NULL REFERENCES delivery,
    company_id INTEGER NOT NULL,
    PRIMARY KEY (event_id, delivery_id)
) STRICT, WITHOUT ROWID;

INSERT INTO later_delivery (event_id, delivery_id, company_id)
SELECT event_id, id, company_id FROM delivery
WHERE EXISTS (
    SELECT 1 FROM delivery AS other
    WHERE other.id > delivery.event_id AND other.id < delivery.id AND other.event_id <> delivery.event_id
);

CREATE INDEX later_delivery_company ON later_delivery (company_id, delivery_id);

DROP INDEX delivery_event;
DROP INDEX delivery_company;

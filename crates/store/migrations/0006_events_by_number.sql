-- The indexes of calls and jobs begin with the number of the call or job instead of with the company: so a number alone finds
-- its events, however many companies there are. A platform gives numbers in rising order over all its companies, so new entries
-- also share pages.
DROP INDEX event_entity;
DROP INDEX event_job;
CREATE INDEX event_entity ON event (entity_id, company_id, kind);
CREATE INDEX event_job ON event (call_job_id, company_id) WHERE call_job_id IS NOT NULL;

//! The columns of each kind of row, in the order in which `rows` reads them.

/// `select!(event "WHERE id = ?1")`: the text of a query for the rows that `rows::event` reads.
macro_rules! select {
    (@delivery) => {
        "id, event_id, company_id, kind, key_class, key_id, endpoint_id, state, due_ms, age_ms, \
         age_since_ms, sends, last_outcome, settled_ms, resend_of, profile, schedule, hold_until_ms, \
         hold_check_ms, hold_job_id"
    };
    (event $rest:literal) => {
        concat!(
            "SELECT id, company_id, kind, entity_id, call_job_id, job_status, accepted_wall_ms, body_bytes, \
             phone_hash FROM event ",
            $rest
        )
    };
    (known $rest:literal) => {
        concat!("SELECT id, kind, entity_id, digest FROM event ", $rest)
    };
    (delivery $rest:literal) => {
        concat!("SELECT ", select!(@delivery), " FROM delivery ", $rest)
    };
    (work $rest:literal) => {
        concat!(
            "SELECT ",
            select!(@delivery),
            ", (SELECT body FROM body WHERE body.event_id = delivery.event_id) FROM delivery ",
            $rest
        )
    };
    (endpoint $rest:literal) => {
        concat!(
            "SELECT id, company_id, name, version, unsealed('endpoint', id, settings), deleted, sweeping, swept_key_class, swept_key_id, \
             swept_delivery_id FROM endpoint ",
            $rest
        )
    };
    (attempt $rest:literal) => {
        concat!(
            "SELECT n, started_wall_ms, duration_ms, outcome, status, address, detail, body_start FROM attempt ",
            $rest
        )
    };
    (replay $rest:literal) => {
        concat!("SELECT id, spec, state, counts, cursor, ended_ms FROM replay ", $rest)
    };
    (audit $rest:literal) => {
        concat!(
            "SELECT id, actor_id, actor_name, peer, at_wall_ms, action, company_id, object, before_json, after_json \
             FROM audit ",
            $rest
        )
    };
    (token $rest:literal) => {
        concat!(
            "SELECT id, name, hash, scope, company_id, created_wall_ms, expires_wall_ms, last_used_wall_ms, \
             rate_limit FROM token ",
            $rest
        )
    };
}

pub(super) use select;

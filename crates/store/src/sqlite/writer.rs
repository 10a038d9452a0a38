//! The writer's connection: the rules' look-ups and writes as statements.
//!
//! Companies and endpoints are remembered, so that taking in an event reads no settings. What is remembered may run
//! ahead of a transaction that fails; the store is then dropped as a whole.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::kind::Kind;
use ringback_core::alert::Alert;
use ringback_core::audit;
use ringback_core::company::Company;
use ringback_core::delivery::{Attempt, Delivery};
use ringback_core::endpoint::Endpoint;
use ringback_core::event::{Event, IdempotencyKey, NewEvent, OrderKey};
use ringback_core::id::{DeliveryId, EndpointId, EventId, IdSource, ReplayId};
use ringback_core::replay::Replay;
use ringback_core::store::OpenCount;
use ringback_core::time::Millis;
use ringback_core::token::Token;
use rusqlite::{Connection, Error, OptionalExtension, Params, Result, Row, params};

use super::by_event::{self, Run};
use super::look::Lookup;
use super::query;
use super::recent::Recent;
use super::rows::{self, Schedules};
use super::select::select;
use super::shrink;
use super::walk;
use crate::directory::Directory;
use crate::tables::{EndpointRow, Known, Place, Tables};

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) directory: Directory,
    ids: IdSource,
    /// The newest time that is noted in the table `store`.
    noted: Millis,
    last_endpoint: i64,
    schedules: Schedules,
    pub(super) recent: Recent,
    run: Run,
}

impl Writer {
    /// Reads what the writer remembers.
    pub(super) fn load(connection: Connection) -> Result<Self> {
        let mut writer = Self {
            connection,
            directory: Directory::default(),
            ids: IdSource::new(0, 0),
            noted: Millis::ZERO,
            last_endpoint: 0,
            schedules: Schedules::default(),
            recent: Recent::default(),
            run: Run::default(),
        };
        writer.reload()?;
        Ok(writer)
    }

    /// Reads again what the writer remembers, which may be ahead of the file after a transaction that was rolled back.
    pub(super) fn reload(&mut self) -> Result<()> {
        let connection = &self.connection;
        let mut directory = Directory::default();
        for company in query::all(
            connection,
            "SELECT unsealed('company', company_id, settings) FROM company",
            [],
            rows::company,
        )? {
            directory.put_company(&company);
        }
        let endpoints = select!(endpoint "WHERE deleted = 0 OR sweeping = 1");
        for row in query::all(connection, endpoints, [], rows::endpoint)? {
            directory.put_endpoint(&row);
        }
        let last = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let last_event = last("SELECT coalesce(max(id), 0) FROM event")?;
        let last_delivery = last("SELECT coalesce(max(id), 0) FROM delivery")?;
        let last_replay = last("SELECT coalesce(max(id), 0) FROM replay")?;
        let last_audit = last("SELECT coalesce(max(id), 0) FROM audit")?;
        self.last_endpoint = last("SELECT coalesce(max(id), 0) FROM endpoint")?;
        self.noted = last("SELECT newest_ms FROM store").map(Millis)?;
        self.ids = IdSource::new(last_event.max(last_delivery).max(last_replay).max(last_audit), 0);
        self.directory = directory;
        self.recent = Recent::default();
        self.run = Run::default();
        Ok(())
    }

    /// The newest time that is stored: of the last commit, or of the largest id, which may run ahead.
    pub(super) fn newest(&self) -> Millis {
        EventId(self.ids.last()).time().max(self.noted)
    }

    /// Notes the time of this commit, unless an id that was given says it: so a store begins no earlier than any time
    /// in it, whatever was pruned, and a commit with new events pays nothing for it.
    pub(super) fn note_time(&mut self, now: Millis) -> Result<()> {
        if now > self.newest() {
            self.execute("UPDATE store SET newest_ms = ?1", [now.0])?;
            self.noted = now;
        }
        Ok(())
    }

    /// Writes something, for the sake of writing.
    pub(super) fn prove_writable(&self) -> Result<()> {
        self.execute("UPDATE store SET proofs = proofs + 1", [])?;
        Ok(())
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.connection
            .prepare_cached(sql)?
            .query_row(params, read)
            .optional()
    }

    pub(super) fn look(&mut self) -> Lookup<'_> {
        Lookup {
            connection: &self.connection,
            schedules: &mut self.schedules,
        }
    }

    fn deliveries(&mut self, sql: &str, params: impl Params) -> Result<Vec<Delivery>> {
        let schedules = &mut self.schedules;
        query::all(&self.connection, sql, params, |row| {
            rows::delivery(row, schedules)
        })
    }
}

/// The beginning of the statement that writes what the sending of a delivery changes.
macro_rules! update_delivery {
    () => {
        "UPDATE delivery SET state = ?2, due_ms = ?3, age_ms = ?4, age_since_ms = ?5, sends = ?6, \
           last_outcome = ?7, settled_ms = ?8"
    };
}

impl Tables for Writer {
    fn next_id(&mut self, now: Millis) -> i64 {
        self.ids.next(now)
    }

    fn company(&self, company_id: i64) -> Option<&Company> {
        self.directory.company(company_id)
    }

    fn put_company(&mut self, company: &Company) -> Result<()> {
        self.execute(
            "INSERT INTO company (company_id, settings) VALUES (?1, sealed('company', ?1, ?2)) \
             ON CONFLICT (company_id) DO UPDATE SET settings = excluded.settings",
            params![company.company_id, rows::to_json(company)?],
        )?;
        self.directory.put_company(company);
        Ok(())
    }

    fn remove_company(&mut self, company_id: i64) -> Result<()> {
        self.execute("DELETE FROM company WHERE company_id = ?1", [company_id])?;
        self.directory.remove_company(company_id);
        Ok(())
    }

    fn has_events(&mut self, company_id: i64) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM event WHERE company_id = ?1 LIMIT 1")?
            .exists([company_id])
    }

    fn endpoints(&self, company_id: i64) -> Arc<[Arc<Endpoint>]> {
        self.directory.endpoints(company_id)
    }

    fn endpoint(&mut self, id: EndpointId) -> Result<Option<EndpointRow>> {
        if let Some(row) = self.directory.endpoint(id) {
            return Ok(Some(row.clone()));
        }
        self.one(select!(endpoint "WHERE id = ?1"), [id.0], rows::endpoint)
    }

    fn next_endpoint_id(&mut self) -> EndpointId {
        self.last_endpoint += 1;
        EndpointId(self.last_endpoint)
    }

    fn put_endpoint(&mut self, row: &EndpointRow) -> Result<()> {
        let endpoint = &row.endpoint;
        self.execute(
            "INSERT INTO endpoint (id, company_id, name, version, settings, deleted, sweeping, \
               swept_key_class, swept_key_id, swept_delivery_id) \
             VALUES (?1, ?2, ?3, ?4, sealed('endpoint', ?1, ?5), ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (id) DO UPDATE SET version = excluded.version, settings = excluded.settings, \
               deleted = excluded.deleted, sweeping = excluded.sweeping, \
               swept_key_class = excluded.swept_key_class, swept_key_id = excluded.swept_key_id, \
               swept_delivery_id = excluded.swept_delivery_id",
            params![
                endpoint.id.0,
                endpoint.company_id,
                endpoint.name,
                endpoint.version,
                rows::to_json(&endpoint.settings)?,
                endpoint.deleted,
                endpoint.sweeping,
                row.swept_to.map(|(key, _)| key.class as u8),
                row.swept_to.map(|(key, _)| key.id),
                row.swept_to.map(|(_, id)| id.0),
            ],
        )?;
        self.directory.put_endpoint(row);
        if endpoint.deleted && !endpoint.sweeping {
            self.directory.forget_endpoint(endpoint.id);
        }
        Ok(())
    }

    fn event_by_key(&mut self, company_id: i64, key: &IdempotencyKey) -> Result<Option<Known>> {
        self.one(
            select!(known "INDEXED BY event_idempotency \
                WHERE company_id = ?1 AND idempotency_route = ?2 AND idempotency_key = ?3"),
            params![company_id, key.route, key.key],
            rows::known,
        )
    }

    fn newest_event(&mut self, company_id: i64, kind: Kind, entity_id: i64) -> Result<Option<Known>> {
        self.one(
            select!(known "INDEXED BY event_entity \
                WHERE company_id = ?1 AND entity_id = ?2 AND kind = ?3 ORDER BY id DESC LIMIT 1"),
            params![company_id, entity_id, rows::kind_code(kind)],
            rows::known,
        )
    }

    fn knows_entity(&mut self, company_id: i64, entity_id: i64) -> Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT 1 FROM event INDEXED BY event_entity WHERE company_id = ?1 AND entity_id = ?2 LIMIT 1",
            )?
            .exists([company_id, entity_id])
    }

    fn insert_event(&mut self, id: EventId, event: &NewEvent) -> Result<()> {
        let key = event.idempotency.as_ref();
        self.execute(
            "INSERT INTO event (id, company_id, kind, entity_id, call_job_id, job_status, phone_hash, digest, \
               accepted_wall_ms, body_bytes, idempotency_route, idempotency_key) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                id.0,
                event.company_id,
                rows::kind_code(event.kind),
                event.entity_id,
                event.call_job_id,
                event.job_status,
                event.phone_hash,
                event.digest,
                event.accepted_wall_ms,
                event.body.len(),
                key.map(|key| key.route),
                key.map(|key| &key.key),
            ],
        )?;
        self.execute(
            "INSERT INTO body (event_id, encoding, body) VALUES (?1, ?2, ?3)",
            params![id.0, rows::ENCODING_PLAIN, &event.body[..]],
        )?;
        self.run.begin(id);
        Ok(())
    }

    fn events_between(&mut self, after: Option<EventId>, before: EventId, most: usize) -> Result<Vec<Event>> {
        let after = after.map_or(0, |id| id.0);
        query::all(
            &self.connection,
            select!(event "WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"),
            params![after, before.0, most],
            rows::event,
        )
    }

    fn has_older_event(&mut self, event: &Event) -> Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT 1 FROM event INDEXED BY event_entity \
                 WHERE company_id = ?1 AND entity_id = ?2 AND kind = ?3 AND id < ?4 LIMIT 1",
            )?
            .exists(params![
                event.company_id,
                event.entity_id,
                rows::kind_code(event.kind),
                event.id.0
            ])
    }

    fn remove_event(&mut self, event: &Event, deliveries: &[Delivery]) -> Result<()> {
        for delivery in deliveries {
            self.execute("DELETE FROM attempt WHERE delivery_id = ?1", [delivery.id.0])?;
            self.execute("DELETE FROM delivery WHERE id = ?1", [delivery.id.0])?;
            self.recent.removed(delivery);
        }
        by_event::forget(&self.connection, event.id)?;
        self.execute("DELETE FROM body WHERE event_id = ?1", [event.id.0])?;
        self.execute("DELETE FROM event WHERE id = ?1", [event.id.0])?;
        Ok(())
    }

    fn shrink(&mut self) -> Result<bool> {
        shrink::step(&self.connection, shrink::FREE_PAGES, shrink::STEP_PAGES)
    }

    fn body(&mut self, id: EventId) -> Result<Bytes> {
        let body = self.one("SELECT body FROM body WHERE event_id = ?1", [id.0], |row| {
            rows::body(row, 0)
        })?;
        body.ok_or(Error::QueryReturnedNoRows)
    }

    fn insert_delivery(&mut self, delivery: &Delivery, first: bool) -> Result<()> {
        let schedule = self.schedules.text(&delivery.schedule)?;
        self.execute(
            "INSERT INTO delivery (id, event_id, company_id, kind, key_class, key_id, endpoint_id, state, due_ms, \
               age_ms, age_since_ms, sends, last_outcome, settled_ms, resend_of, profile, schedule, \
               hold_until_ms, hold_check_ms, hold_job_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            params![
                delivery.id.0,
                delivery.event_id.0,
                delivery.company_id,
                rows::kind_code(delivery.kind),
                delivery.key.class as u8,
                delivery.key.id,
                delivery.endpoint.map(|id| id.0),
                delivery.state as u8,
                delivery.due.map(|due| due.0),
                age_used(delivery),
                delivery.age.since.map(|since| since.0),
                delivery.sends,
                delivery.last_outcome.map(|outcome| outcome as u8),
                delivery.settled_at.map(|at| at.0),
                delivery.resend_of.map(|id| id.0),
                rows::profile_code(delivery.profile),
                &*schedule,
                delivery.hold.map(|hold| hold.until.0),
                delivery.hold.map(|hold| hold.check.0),
                delivery.hold_job,
            ],
        )?;
        self.run.add(&self.connection, delivery)?;
        self.recent.made(delivery, first);
        Ok(())
    }

    fn update_delivery(&mut self, delivery: &Delivery) -> Result<()> {
        self.recent.changed(delivery);
        // Only jobs are ever held, so the outcomes of calls need not touch what is said of holds.
        if delivery.kind == Kind::Job {
            self.execute(
                concat!(
                    update_delivery!(),
                    ", hold_until_ms = ?9, hold_check_ms = ?10 WHERE id = ?1"
                ),
                params![
                    delivery.id.0,
                    delivery.state as u8,
                    delivery.due.map(|due| due.0),
                    age_used(delivery),
                    delivery.age.since.map(|since| since.0),
                    delivery.sends,
                    delivery.last_outcome.map(|outcome| outcome as u8),
                    delivery.settled_at.map(|at| at.0),
                    delivery.hold.map(|hold| hold.until.0),
                    delivery.hold.map(|hold| hold.check.0),
                ],
            )?;
            return Ok(());
        }
        self.execute(
            concat!(update_delivery!(), " WHERE id = ?1"),
            params![
                delivery.id.0,
                delivery.state as u8,
                delivery.due.map(|due| due.0),
                age_used(delivery),
                delivery.age.since.map(|since| since.0),
                delivery.sends,
                delivery.last_outcome.map(|outcome| outcome as u8),
                delivery.settled_at.map(|at| at.0),
            ],
        )?;
        Ok(())
    }

    fn assign_delivery(&mut self, delivery: &Delivery) -> Result<()> {
        self.recent.joined(delivery);
        let schedule = self.schedules.text(&delivery.schedule)?;
        self.execute(
            "UPDATE delivery SET endpoint_id = ?2, profile = ?3, schedule = ?4 WHERE id = ?1",
            params![
                delivery.id.0,
                delivery.endpoint.map(|id| id.0),
                rows::profile_code(delivery.profile),
                &*schedule,
            ],
        )?;
        self.update_delivery(delivery)
    }

    fn first_open(&mut self, endpoint: EndpointId, key: OrderKey) -> Result<Option<DeliveryId>> {
        if let Some(known) = self.recent.first_open(endpoint, key) {
            return Ok(known);
        }
        self.one(
            "SELECT id FROM delivery INDEXED BY delivery_open \
             WHERE endpoint_id = ?1 AND key_class = ?2 AND key_id = ?3 AND state IN (0, 3) ORDER BY id LIMIT 1",
            params![endpoint.0, key.class as u8, key.id],
            |row| row.get(0).map(DeliveryId),
        )
    }

    fn open_after(
        &mut self,
        endpoint: EndpointId,
        after: Option<Place>,
        most: usize,
    ) -> Result<Vec<Delivery>> {
        walk::open_after(&self.connection, &mut self.schedules, endpoint, after, most)
    }

    fn newest_call(&mut self, company_id: i64, call_job_id: i64, from: Millis) -> Result<Option<Millis>> {
        query::newest_call(&self.connection, company_id, call_job_id, from)
    }

    fn has_open_call(&mut self, company_id: i64, call_job_id: i64) -> Result<bool> {
        Ok(query::count_open_calls(&self.connection, company_id, call_job_id, 1)? > 0)
    }

    fn held(&mut self, now: Millis, most: usize) -> Result<Vec<Delivery>> {
        self.deliveries(
            select!(delivery "INDEXED BY delivery_hold \
                WHERE hold_check_ms <= ?1 ORDER BY hold_check_ms, id LIMIT ?2"),
            params![now.0, most],
        )
    }

    fn next_hold_check(&mut self) -> Result<Option<Millis>> {
        query::first_hold_check(&self.connection)
    }

    fn count_open(&mut self, endpoint: EndpointId, most: usize) -> Result<OpenCount> {
        query::count_open(&self.connection, endpoint, most)
    }

    fn append_attempt(&mut self, delivery: DeliveryId, attempt: &Attempt) -> Result<()> {
        self.execute(
            "INSERT INTO attempt (delivery_id, n, started_wall_ms, duration_ms, outcome, status, address, detail, \
               body_start) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (delivery_id, n) DO NOTHING",
            params![
                delivery.0,
                attempt.n,
                attempt.started_wall_ms,
                attempt.duration_ms,
                attempt.outcome as u8,
                attempt.status,
                attempt.address,
                attempt.detail,
                &attempt.body_start[..],
            ],
        )?;
        Ok(())
    }

    fn replay(&mut self, id: ReplayId) -> Result<Option<Replay>> {
        self.one(select!(replay "WHERE id = ?1"), [id.0], rows::replay)
    }

    fn put_replay(&mut self, replay: &Replay) -> Result<()> {
        self.execute(
            "INSERT INTO replay (id, spec, state, counts, cursor, ended_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, counts = excluded.counts, \
               cursor = excluded.cursor, ended_ms = excluded.ended_ms",
            params![
                replay.id.0,
                rows::to_json(&*replay.spec)?,
                replay.state as u8,
                rows::to_json(&replay.counts)?,
                replay.cursor,
                replay.ended_at.map(|at| at.0),
            ],
        )?;
        Ok(())
    }

    fn open_replays(&mut self) -> Result<usize> {
        self.connection.query_row(
            "SELECT count(*) FROM replay INDEXED BY replay_open WHERE state < 2",
            [],
            |row| row.get(0),
        )
    }

    fn forget_replays(&mut self, keep: usize) -> Result<()> {
        self.execute(
            "DELETE FROM replay WHERE id IN \
             (SELECT id FROM replay WHERE state >= 2 ORDER BY id DESC LIMIT -1 OFFSET ?1)",
            [keep],
        )?;
        Ok(())
    }

    fn add_token(&mut self, token: &Token) -> Result<bool> {
        let added = self.execute(
            "INSERT INTO token (id, name, hash, scope, company_id, created_wall_ms, expires_wall_ms, last_used_wall_ms, \
               rate_limit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
            params![
                token.id,
                token.name,
                token.hash,
                token.scope as u8,
                token.company_id,
                token.created_wall_ms,
                token.expires_wall_ms,
                token.last_used_wall_ms,
                token.rate_limit,
            ],
        )?;
        Ok(added > 0)
    }

    fn use_token(&mut self, id: &str, wall_ms: i64) -> Result<bool> {
        let sql = "UPDATE token SET last_used_wall_ms = ?2 WHERE id = ?1";
        Ok(self.execute(sql, params![id, wall_ms])? > 0)
    }

    fn remove_token(&mut self, id: &str) -> Result<bool> {
        Ok(self.execute("DELETE FROM token WHERE id = ?1", [id])? > 0)
    }

    fn append_audit(&mut self, record: &audit::Record) -> Result<()> {
        super::audit::append(&self.connection, record)
    }

    fn prune_audit(&mut self, before: Millis, most: usize) -> Result<usize> {
        super::audit::prune(&self.connection, before, most)
    }

    fn put_alert(&mut self, alert: &Alert) -> Result<()> {
        self.execute(
            "INSERT INTO alert (id, ended_ms, alert) VALUES (?1, ?2, ?3) \
             ON CONFLICT (id) DO UPDATE SET ended_ms = excluded.ended_ms, alert = excluded.alert",
            params![alert.id, alert.ended.map(|(at, _)| at.0), rows::to_json(alert)?],
        )?;
        Ok(())
    }

    fn forget_alerts(&mut self, keep: usize) -> Result<()> {
        self.execute(
            "DELETE FROM alert WHERE id IN \
             (SELECT id FROM alert WHERE ended_ms IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?1)",
            [keep],
        )?;
        Ok(())
    }
}

/// The used part of the maximum age; a figure beyond what the column holds is as good as the largest.
fn age_used(delivery: &Delivery) -> i64 {
    i64::try_from(delivery.age.used_ms).unwrap_or(i64::MAX)
}

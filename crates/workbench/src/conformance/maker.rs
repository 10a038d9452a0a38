//! Makes the callbacks of a run: the seed's samples with fresh ids and today's dates, changed in one respect by the check
//! that asks for them. Whatever is changed, they are rendered as the service renders what it takes in.

use std::sync::Arc;

use bytes::Bytes;
use ringback_contract::date_time::DateTimeForm;
use ringback_contract::intake::{Signing as Keys, Stamp};
use ringback_contract::kind::Kind;
use ringback_core::endpoint::Profile;
use ringback_core::id::EventId;
use ringback_core::time::Millis;
use ringback_server::random;

use super::Options;
use super::script::{Expect, Processing, Send, Signing, Way};
use super::words::Said;
use crate::sample::{self, Today, enveloped, put};
use crate::shape::Shape;
use crate::tree::Tree;

/// Ids of a run begin at a random one from here on: within 32 bits, so that only the check for them leaves these.
const FIRST_ID: i64 = 1_000_000_000;

/// A callback that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) event: EventId,
    /// The `data.data`.
    pub(crate) data: Tree,
    /// callInstanceId, inboundInstanceId or callJobId.
    pub(crate) entity_id: i64,
    form: DateTimeForm,
    /// What the text of the intake has in another place's stead.
    replaced: Option<(&'static str, &'static str)>,
}

impl Draft {
    /// Puts a value at a path in `data.data`.
    pub(crate) fn set(mut self, path: &str, value: impl Into<Tree>) -> Self {
        put(&mut self.data, path, value.into());
        self
    }

    /// In another shape; `None` where callbacks of this kind cannot be so.
    pub(crate) fn shaped(self, shape: Shape) -> Option<Self> {
        let data = shape.apply(self.kind, self.data)?;
        Some(Self { data, ..self })
    }

    /// The same with `dateTime` in another form.
    pub(crate) fn form(self, form: DateTimeForm) -> Self {
        Self { form, ..self }
    }

    /// The same, with a part of its text written otherwise, as another JSON writer would.
    pub(crate) fn written(self, text: &'static str, otherwise: &'static str) -> Self {
        Self {
            replaced: Some((text, otherwise)),
            ..self
        }
    }

    /// The same as an event that was accepted earlier.
    pub(crate) fn accepted_as(self, event: EventId) -> Self {
        Self { event, ..self }
    }
}

/// The maker of one run.
#[derive(Debug)]
pub(crate) struct Maker {
    options: Arc<Options>,
    kinds: Vec<Kind>,
    today: Today,
    next_event: i64,
    next_id: i64,
    /// A call that the receiver knows: corrections are about it, unless a check wants another.
    known_call: Option<i64>,
    corrections: usize,
}

impl Maker {
    pub(crate) fn new(options: Arc<Options>, wall_ms: i64) -> Self {
        let [a, b, c, d] = random::bytes();
        let random = i64::from(u32::from_le_bytes([a, b, c, d]));
        Self {
            kinds: options.kinds.clone(),
            today: Today {
                company_id: options.company_id,
                zone: options.zone.clone(),
                wall_ms,
            },
            options,
            // Half of a millisecond's numbers are left for those that follow.
            next_event: EventId::first_at(Millis(wall_ms)).0 | random >> 13,
            next_id: FIRST_ID + random % FIRST_ID,
            known_call: None,
            corrections: 0,
        }
    }

    /// The kinds that the receiver takes.
    pub(crate) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Whether the receiver takes these.
    pub(crate) fn takes(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The shape of the bodies.
    pub(crate) fn profile(&self) -> Profile {
        self.options.profile
    }

    /// Callbacks of this kind are of no further use: the receiver does not even take an ordinary one.
    pub(crate) fn drop_kind(&mut self, kind: Kind) {
        self.kinds.retain(|there| *there != kind);
    }

    pub(crate) const fn remember_call(&mut self, call_id: i64) {
        self.known_call = Some(call_id);
    }

    /// The id of a new event.
    pub(crate) const fn event(&mut self) -> EventId {
        self.next_event += 1;
        EventId(self.next_event)
    }

    /// The id of an event that was accepted so long ago.
    pub(crate) const fn event_before(&mut self, ms: i64) -> EventId {
        self.next_event += 1;
        EventId(self.next_event - (ms << 20))
    }

    pub(crate) const fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// The time so long ago as callbacks write it.
    pub(crate) fn time_before(&self, ms: i64) -> String {
        self.today.time_before(ms)
    }

    /// A new callback, as ordinary as can be.
    pub(crate) fn draft(&mut self, kind: Kind) -> Draft {
        let id = match kind {
            Kind::Correction => match self.known_call {
                Some(call) => call,
                None => self.id(),
            },
            Kind::Call | Kind::Inbound | Kind::Job => self.id(),
        };
        self.draft_of(kind, id)
    }

    /// A new callback about this call or job.
    pub(crate) fn draft_of(&mut self, kind: Kind, id: i64) -> Draft {
        Draft {
            kind,
            event: self.event(),
            data: self.data(kind, id),
            entity_id: id,
            form: DateTimeForm::default(),
            replaced: None,
        }
    }

    /// The send of a draft, called by its kind.
    pub(crate) fn send(&self, draft: &Draft) -> Send {
        Send {
            what: kind_name(draft.kind),
            event: draft.event,
            body: self.render(draft),
            number: 1,
            way: Way::Plain,
            signing: Signing::Right,
            skew_s: 0,
            expect: Expect::Acknowledged,
            processing: Processing::Once,
        }
    }

    /// A callback of each kind that the receiver takes, if this check has one of it.
    pub(crate) fn of_each(&mut self, mut make: impl FnMut(&mut Self, Kind) -> Option<Draft>) -> Vec<Send> {
        let kinds = self.kinds.clone();
        kinds
            .into_iter()
            .filter_map(|kind| {
                let draft = make(self, kind)?;
                Some(self.send(&draft))
            })
            .collect()
    }

    fn render(&self, draft: &Draft) -> Bytes {
        let data = draft.data.write();
        let data = match draft.replaced {
            Some((text, otherwise)) => data.replacen(text, otherwise, 1),
            None => data,
        };
        let stamp = Stamp {
            accepted_ms: self.today.wall_ms,
            zone: &self.today.zone,
            form: draft.form,
            signing: self.options.app.as_ref().map(|app| Keys {
                app_key: &app.key,
                app_secret: &app.secret,
            }),
        };
        sample::render(
            draft.kind,
            &enveloped(draft.kind, &data),
            &stamp,
            self.options.profile,
        )
        .expect("what the catalogue makes is what the service takes in")
        .into()
    }

    fn data(&mut self, kind: Kind, id: i64) -> Tree {
        match kind {
            Kind::Call => {
                let job_id = self.id();
                self.today.call(id, job_id)
            }
            Kind::Inbound => self.today.inbound(id),
            Kind::Correction => {
                self.corrections += 1;
                let level = ["B", "C", "D", "E"][self.corrections % 4];
                self.today.correction(id, level)
            }
            Kind::Job => self.today.job(id),
        }
    }
}

/// The kind's name, for the report.
pub(crate) fn kind_name(kind: Kind) -> Said {
    Said::new(kind.en(), kind.zh())
}
